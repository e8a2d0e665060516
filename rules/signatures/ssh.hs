# SPDX-License-Identifier: BSD-3-Clause
#
# For SSH, from the client to the server: the line that a client begins with. What comes after it is encrypted. See
# web.hs for the form.

# protocol 1, which no client of this century needs
3001:/^SSH-1\.(?:[0-8]|9[0-8])/
# surveys and scanners
3002:/^SSH-2\.0-(?:ZGrab|Nmap|masscan|OpenSSH-keyscan|paramiko_1\.|libssh-0\.[1-6]|libssh2_1\.[0-7]\.)/i
# other protocols that try every port: HTTP, TLS, SMB, RDP
3003:/^(?:GET|POST|HEAD|OPTIONS|CONNECT) /
3004:/^\x16\x03[\x00-\x04]/s
3005:/^\x00..{2}[\xfe\xff]SMB/s
3006:/^\x03\x00\x00.{2}\xe0\x00\x00/s
# Most guessing of passwords is done by programs in Go; so are some backups. If none of yours is:
# 3007:/^SSH-2\.0-Go\r?\n/
