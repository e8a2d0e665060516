# SPDX-License-Identifier: BSD-3-Clause
#
# For a name server of one's own, over UDP and TCP: questions that only attackers and the curious ask from
# outside. The first two bytes of `(?:..)?` are the length that TCP has. See web.hs for the form.

# what software is it: version.bind, hostname.bind, id.server in class CHAOS
2001:/^(?:..)?..[\x00-\x07].\x00\x01.{6}(?:\x07version|\x08hostname|\x07authors|\x02id)(?:\x04bind|\x06server)\x00\x00\x10\x00\x03/is
# the whole zone: AXFR, IXFR
2002:/^(?:..)?..[\x00-\x07].\x00\x01.{6}[^\x00]*\x00\x00[\xfb\xfc]\x00\x01/s
# ANY: the classic amplifier
2003:/^(?:..)?..[\x00-\x07].\x00\x01.{6}[^\x00]*\x00\x00\xff\x00[\x01\xff]/s
# type NULL carries nothing but tunnels
2004:/^(?:..)?..[\x00-\x07].\x00\x01.{6}[^\x00]*\x00\x00\x0a\x00\x01/s
# UPDATE (RFC 2136) from outside
2005:/^(?:..)?..[\x28-\x2f].\x00\x01/s
