# web
1:/GET \/etc\/passwd/is
4294967295:/a\/b/
