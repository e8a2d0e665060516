# SPDX-License-Identifier: BSD-3-Clause
#
# What is tried on every web server that can be reached, and what no browser sends. Written for dishwall; for the
# direction from the client to the server, in HTTP/1 without TLS (behind TLS nothing can be seen: let the reverse
# proxy end it and inspect what it sends on).
#
# One pattern a line, ID:/regex/flags: i any case, s `.` is any byte, m `^` is at every line. `^METHOD ` ties a pattern
# to the request line, so that a text that only talks about an attack does not match; all begin alike, since what they
# share is searched for once. A pattern that can begin anywhere (`=[^&]*`) costs a hundred times as much as all these
# together. IDs stay what they are; leave a
# pattern out by a `#` before it.
#
#   1000 paths   1100 SQL   1200 shells   1300 Java   1400 PHP   1500 files   1600 web shells   1700 scripts and
#   requests made by the server   1800 devices and products   1900 scanners that say so

# ---- 1000: paths
# two steps up, plain or encoded: browsers resolve them before they ask
1001:/^(?:GET|HEAD|POST|PUT) \S*(?:\.|%2e){2}(?:\/|\\|%2f|%5c)(?:\.|%2e){2}(?:\/|\\|%2f|%5c)/im
# encoded twice
1002:/^(?:GET|HEAD|POST|PUT) \S*%252e(?:%252e|\.)(?:%252f|%255c|\/)/im
# a dot or a slash as overlong UTF-8
1003:/^(?:GET|HEAD|POST|PUT) \S*(?:%c0%ae|%c0%af|%e0%80%ae|%c1%1c|%c1%9c)/im
# `..;/`: proxies and servlet containers disagree about it
1004:/^(?:GET|HEAD|POST|PUT) \S*\/\.\.;\//im
# files of the system
1005:/^(?:GET|HEAD|POST|PUT) \S*(?:\/|%2f)etc(?:\/|%2f)(?:passwd|shadow|group|hosts)\b/im
1006:/^(?:GET|HEAD|POST|PUT) \S*(?:\/|%2f)proc(?:\/|%2f)self(?:\/|%2f)(?:environ|cmdline|maps|fd|root)/im
1007:/^(?:GET|HEAD|POST|PUT) \S*(?:win\.ini|boot\.ini|system32(?:\/|\\|%5c|%2f)(?:cmd|config|drivers))/im

# ---- 1100: SQL
# `union select` and then something that is no word
1101:/^(?:GET|HEAD|POST|PUT) \S*union(?:%20|\+|%09|%0a|%0d|\/\*\S*?\*\/)+(?:all(?:%20|\+|\/\*\S*?\*\/)+)?select(?:%20|\+|%09|%0a|\/\*\S*?\*\/)+(?:null|[0-9]+(?:,|%2c|-|%20)|concat|char\(|@@|0x|\*|version)/im
# ' or 1=1
1102:/^(?:GET|HEAD|POST|PUT) \S*(?:'|%27|"|%22)(?:%20|\+|\))*(?:or|and|\|\||%7c%7c)(?:%20|\+)+(?:'|%27|"|%22)?[0-9a-z]+(?:'|%27|"|%22)?(?:%20|\+)*(?:=|%3d)/im
# asking the server to wait
1103:/^(?:GET|HEAD|POST|PUT) \S*(?:sleep|pg_sleep|benchmark)(?:\(|%28)[0-9]/im
1104:/^(?:GET|HEAD|POST|PUT) \S*waitfor(?:%20|\+)+delay(?:%20|\+)+(?:'|%27)/im
1105:/^(?:GET|HEAD|POST|PUT) \S*information_schema(?:\.|%2e)/im
# a second statement
1106:/^(?:GET|HEAD|POST|PUT) \S*(?:;|%3b)(?:%20|\+)*(?:drop(?:%20|\+)+(?:table|database)|delete(?:%20|\+)+from|insert(?:%20|\+)+into|exec(?:%20|\+|\())/im
1107:/^(?:GET|HEAD|POST|PUT) \S*xp_(?:cmdshell|dirtree|regread)/im
1108:/^(?:GET|HEAD|POST|PUT) \S*(?:extractvalue|updatexml|load_file)(?:\(|%28)/im
1109:/^(?:GET|HEAD|POST|PUT) \S*into(?:%20|\+)+(?:outfile|dumpfile)(?:%20|\+)+(?:'|%27|"|%22|0x)/im

# ---- 1200: shells
# a command behind a separator
1201:/^(?:GET|HEAD|POST|PUT) \S*(?:;|%3b|\||%7c|&&|%26%26|`|%60|\$\(|%24%28|%0a)(?:%20|\+)*(?:cat|id|whoami|uname|wget|curl|nc|ncat|bash|sh|ping|nslookup|tftp|busybox|chmod|powershell|cmd(?:\.exe)?)(?:%20|\+|%09|;|%3b|\)|%29|`|%60|\$IFS|\$\{IFS|%24%7bifs|\x20)/im
# Shellshock: a function as the value of a header
1202:/^[a-z-]+: ?\(\) ?\{/im
1203:/^(?:GET|HEAD|POST|PUT) \S*(?:\/|%2f)bin(?:\/|%2f)(?:ba|da|a|z|k)?sh\b/im
1204:/^(?:GET|HEAD|POST|PUT) \S*(?:\/|%2f)dev(?:\/|%2f)(?:tcp|udp)(?:\/|%2f)/im
1205:/^(?:GET|HEAD|POST|PUT) \S*(?:\$IFS|\$\{IFS\}|%24%7bIFS%7d|\$%7bIFS%7d)/im
# the same in the body of a form, written tightly as attackers do
1206:/[=0-9a-z\/](?:;|%3b|\||%7c|`|%60|\$\(|%24%28)(?:wget|curl|tftp)(?:%20|\+| |\$IFS|\$\{IFS\})+(?:-\w+(?:%20|\+| )+)*https?(?::|%3a)/i

# ---- 1300: Java
# Log4Shell, in any header or body
1301:/\$\{jndi:(?:ldaps?|rmi|dns|iiop|nis|nds|corba|https?):/i
1302:/(?:%24|\$)(?:%7b|\{)jndi(?::|%3a)(?:ldap|rmi|dns|iiop|corba|http)/i
# the same with the letters taken apart
1303:/\$\{\$\{(?:lower|upper|env|sys|date|base64):[^}\r\n]*\}/i
1304:/\$\{\$\{::-[a-z]\}/i
# Spring4Shell
1305:/class(?:\.|%2e)module(?:\.|%2e)classLoader(?:\.|%2e)/i
# OGNL
1306:/^(?:GET|HEAD|POST|PUT) \S*(?:%24|\$|%25)(?:%7b|\{)\S*(?:%23|#|@|%40)\S*(?:Runtime|ProcessBuilder|OgnlContext|_memberAccess)/im
1307:/^Content-Type:[^\r\n]*%\{[^\r\n]*(?:#|ognl)/im
# a serialized object in a cookie or a parameter
1308:/^(?:Cookie:|GET |POST )[^\r\n]*[=:]rO0AB[a-z0-9+\/%]/im
1309:/^(?:GET|HEAD|POST|PUT) \S*\/actuator\/(?:env|heapdump|gateway\/routes|jolokia)/im

# ---- 1400: PHP
1401:/^(?:GET|HEAD|POST|PUT) \S*=(?:php|phar|zip|expect|data|glob)(?::|%3a)(?:\/|%2f){2}/im
1402:/^(?:GET|HEAD|POST|PUT) \S*(?:allow_url_include|auto_prepend_file|disable_functions)(?:=|%3d)/im
1403:/(?:eval|assert|system|passthru|shell_exec|exec)\s{0,8}\(\s{0,8}@?\s{0,8}\$_(?:GET|POST|REQUEST|COOKIE|SERVER)\s{0,8}\[/i
1404:/eval\s{0,8}\(\s{0,8}(?:base64_decode|gzinflate|str_rot13)\s{0,8}\(/i
1405:/^(?:GET|HEAD|POST|PUT) \S*\/eval-stdin\.php/im
1406:/^(?:GET|HEAD|POST|PUT) \S*invokefunction\S*call_user_func_array/im
1407:/^(?:GET|HEAD|POST|PUT) \S*\/_ignition\/execute-solution/im
1408:/^(?:GET|HEAD|POST|PUT) \S*_(?:SESSION|SERVER|REQUEST|ENV|GLOBALS)(?:\[|%5b)\S*(?:\]|%5d)(?:=|%3d)/im

# ---- 1500: files that should not be there
1501:/^(?:GET|HEAD|POST|PUT) \S*\/\.git\/(?:config|HEAD|index|logs|objects|refs)/im
1502:/^(?:GET|HEAD|POST|PUT) \S*\/\.env(?:\.[a-z]+|~)?(?:\?\S*)? /im
1503:/^(?:GET|HEAD|POST|PUT) \S*\/\.(?:svn\/(?:entries|wc\.db)|hg\/(?:store|hgrc)|DS_Store|htpasswd|htaccess|bash_history)/im
1504:/^(?:GET|HEAD|POST|PUT) \S*\/\.(?:aws\/(?:credentials|config)|ssh\/(?:id_|authorized_keys)|docker\/config\.json|kube\/config|npmrc|netrc)/im
1505:/^(?:GET|HEAD|POST|PUT) \S*\/wp-config\.php(?:[.~_]|%7e)\w*/im
1506:/^(?:GET|HEAD|POST|PUT) \S*\/(?:backup|dump|database|db|mysql|site|www|localhost)\.sql(?:\.gz|\.zip|\.bz2)? /im
1507:/^(?:GET|HEAD|POST|PUT) \S*\/\.vscode\/sftp\.json/im

# ---- 1600: web shells, asked for by name
1601:/^(?:GET|HEAD|POST|PUT) \S*\/(?:c99|r57|wso|b374k|alfa|alfashell|indoxploit|mini|marijuana|webshell|shell20[0-9]{2})\.php/im
1602:/^(?:GET|HEAD|POST|PUT) \S*\/(?:cmd|cmdjsp|jspspy|shell|browser)\.jspx?\?(?:cmd|pwd|action|comment)=/im
1603:/^(?:GET|HEAD|POST|PUT) \S*\/alfacgiapi\//im
1604:/^(?:GET|HEAD|POST|PUT) \S*\.(?:php|jsp|aspx?)\?(?:cmd|exec|shell)=(?:id|whoami|uname|cat|ls|dir|pwd|wget|curl|ipconfig|echo)\b/im

# ---- 1700: scripts in a parameter, and requests that the server is to make
1701:/^(?:GET|HEAD|POST|PUT) \S*(?:<|%3c)script(?:>|%3e|%20|\+|\/|%2f)/im
1702:/^(?:GET|HEAD|POST|PUT) \S*(?:"|%22|'|%27|%20|\+|\/)on(?:error|load|mouseover|focus|click|toggle)(?:=|%3d)/im
1703:/^(?:GET|HEAD|POST|PUT) \S*=(?:%20|\+)*javascript(?::|%3a)/im
1704:/^(?:GET|HEAD|POST|PUT) \S*(?:=|%3d|\/\/|%2f%2f|@|%40)(?:169\.254\.169\.254|metadata\.google\.internal|\[fd00:ec2::254\])/im
1705:/^(?:GET|HEAD|POST|PUT) \S*=(?:file|gopher|dict|ldap|netdoc|jar)(?::|%3a)(?:\/|%2f){2}/im
# XML that reads files
1706:/<!ENTITY\s{1,8}(?:%\s{1,8})?\w{1,64}\s{1,8}SYSTEM\s{1,8}["'](?:file|php|expect|gopher|jar|netdoc):/i
# two servers are to disagree where a request ends
1707:/^Transfer-Encoding[ \t]+:/im
1708:/^Transfer-Encoding:[ \t]*(?:[^\r\n]*[\x0b\x0c\x00]|xchunked)/im

# ---- 1800: devices and products, as the worms of these years ask for them
1801:/^(?:GET|POST) \/shell\?(?:cd|%63%64|wget|busybox)(?:\+|%20)/im
1802:/^POST \/GponForm\/diag_Form/im
1803:/^(?:GET|POST) \/boaform\/admin\/form(?:Login|Ping|Tracert)/im
1804:/^(?:GET|POST) \/setup\.cgi\?next_file=netgear\.cfg\S*cmd=/im
1805:/^(?:GET|POST) \/cgi-bin\/luci\/;stok=\S*(?:\$\(|%24%28|`|%60)/im
1806:/^SOAPAction:[^\r\n]*HNAP1\/[^\r\n]*(?:`|;|\$\()/im
1807:/^POST \/ctrlt\/DeviceUpgrade_1/im
1808:/^(?:GET|HEAD|POST|PUT) \S*\/vpn\/(?:\.|%2e){2}\/vpns\//im
1809:/^(?:GET|POST) \/remote\/fgt_lang\?lang=(?:\/|%2f)(?:\.|%2e){2}/im
1810:/^(?:GET|POST) \/autodiscover\/autodiscover\.json\?\S*(?:@|%40)\S*(?:powershell|mapi|ews)/im
1811:/^(?:GET|HEAD|POST|PUT) \S*\/manager\/html HTTP[^\r\n]*\r\n(?:[^\r\n]+\r\n)*Authorization: Basic (?:dG9tY2F0O|YWRtaW46|dG9tY2F0Og|dG9tY2F0OnRvbWNhdA)/im
1812:/^(?:GET|POST) \/(?:phpmyadmin|pma|myadmin|mysql|dbadmin)\S*\/scripts\/setup\.php/im
1813:/^(?:PUT|POST) \S*\.jsp(?:\/|%20|::\$DATA|%00) /im
1814:/^POST \/cgi-bin\/(?:\.%2e|%2e\.|%2e%2e|%%32%65)/im
1815:/^(?:GET|POST) \/device\.rsp\?\S*cmd=/im

# ---- 1900: scanners that say so
1901:/^User-Agent:[^\r\n]*\b(?:sqlmap|nikto|havij|w3af|wpscan|commix|acunetix|netsparker|nessus|openvas|arachni|whatweb|joomscan|wfuzz|skipfish|jaeles|zmeu)\b/im
1902:/^User-Agent:[^\r\n]*\b(?:masscan|zgrab|nuclei|dirbuster|gobuster|feroxbuster|fuzz faster u fool|ffuf|nmap scripting engine|l9explore|l9tcpid)\b/im
# These say that they mean no harm. Leave it out if you like to be in their lists.
1903:/^User-Agent:[^\r\n]*(?:CensysInspect|Expanse, a Palo Alto|InternetMeasurement|LeakIX|ShadowServer|Odin; https:)/im
# botnets
1904:/^User-Agent: (?:Hello,? World|Hello-World|Mozila\/5\.0|LMAO\/|Mirai|b3astmode|r00ts3c)/im
