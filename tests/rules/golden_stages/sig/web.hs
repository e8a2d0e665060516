1:/etc\/passwd/i
2:/cmd\.exe/
