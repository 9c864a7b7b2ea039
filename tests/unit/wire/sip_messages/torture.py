# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501 - text of the wire keeps its own line lengths
"""Torture messages after RFC 4475, written anew: same trap, other words.

Each case is data: the text, and what must happen to it. `{...}` words stand for the usual
lines below, so that a case shows only what is odd about it. The names are those of the
RFC where it has one; the last block holds traps that Teams and real peers set.
"""

from __future__ import annotations

from dataclasses import dataclass, field

USUAL = {
    "via": "Via: SIP/2.0/UDP host1.lab.test;branch=z9hG4bK-t1",
    "from": "From: <sip:anna@lab.test>;tag=f1",
    "to": "To: <sip:bruno@lab.test>",
    "id": "Call-ID: torture-1@lab.test",
    "mf": "Max-Forwards: 70",
    "cl": "Content-Length: 0",
}


@dataclass(frozen=True)
class Sound:
    """Must parse, must print byte for byte, and these facts must hold."""

    name: str
    text: str
    facts: dict[str, object] = field(default_factory=dict)
    body: bytes = b""
    trailing: bytes = b""


@dataclass(frozen=True)
class Broken:
    """Must be refused with this code and status; answerable says whether an answer exists."""

    name: str
    text: str
    code: str
    status: int = 400
    answerable: bool = True
    body: bytes = b""


def to_bytes(text: str, body: bytes = b"") -> bytes:
    """Expand a case into the bytes on the wire."""
    for word, line in USUAL.items():
        text = text.replace("{" + word + "}", line)
    text = text.replace("{len}", str(len(body)))
    head = text.strip("\n").replace("\n", "\r\n")
    return head.encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


SOUND = [
    Sound(
        "wsinv: folds, odd spaces, compact names, mixed case, unknown parameters",
        """
INVITE sip:bruno@lab.test;unknownparam SIP/2.0
TO :
 sip:bruno@lab.test ;   tag    = 1918181833n
from   : "A. N. \\\\ \\"Anna\\"" <sip:anna@lab.test>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.x81-torture@lab.test
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;branch=390skdjuw
s :
NewFangledHeader:   newfangled value
 continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Content-Type: application/sdp
Route:
 <sip:services.lab.test;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     edge.lab.test   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bK30239
m:"Quoted string \\"\\"" <sip:carla@lab.test > ; newparam =
      newvalue ;
  secondparam ; q = 0.33
l: 5
""",
        {
            "to.tag": "1918181833n",
            "from.display": 'A. N. \\ "Anna"',
            "from.tag": "98asjd8",
            "cseq.number": 9,
            "via.transport": "UDP",
            "via.host": "192.0.2.2",
            "hops": 3,
            "newfangledheader": "newfangled value continued newfangled value",
            "subject": "",
            "contact.uri": "sip:carla@lab.test",
            "contact.q": "0.33",
        },
        b"v=0\r\n",
    ),
    Sound(
        "intmeth: every token character in method and header names",
        """
!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@lab.test SIP/2.0
{via}
To: "BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@lab.test>
From: token1~` token2'+_ token3*%!.- <sip:mundane@lab.test>;fromParam''~+*_!.-%="\u0440\u0430\u0431\u043e\u0442\u0430";tag=_token~1'+`*%!-.
Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/"][?}{
CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~
Max-Forwards: 255
extensionHeader-!.%*+_`'~:\ufeff\u5927\u505c\u96fb
{cl}
""",
        {
            "method": "!interesting-Method0123456789_*+`.%indeed'~",
            "to.display": "BEL:\x07 NUL:\x00 DEL:\x7f",
            "from.tag": "_token~1'+`*%!-.",
            "from.display": "token1~` token2'+_ token3*%!.-",
            "call-id": "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{",
        },
    ),
    Sound(
        "esc01: escapes inside the user part are not delimiters",
        """
INVITE sip:sips%3Auser%40lab.test@lab.example SIP/2.0
{via}
{from}
To: <sip:%75se%72@lab.test>
{id}
CSeq: 1 INVITE
Contact: <sip:cal%6Cer@host5.lab.test;%6C%72;n%61me=v%61lue%25%34%31>
{cl}
""",
        {"uri.user": "sips%3Auser%40lab.test", "uri.host": "lab.example", "to.user_text": "user"},
    ),
    Sound(
        "escnull: an escaped NUL is data",
        """
REGISTER sip:lab.test SIP/2.0
{via}
From: sip:null-%00-null@lab.test;tag=839923423
To: sip:null-%00-null@lab.test
{id}
CSeq: 14398234 REGISTER
Contact: <sip:%00@host5.lab.test>
Contact: <sip:%00%00@host5.lab.test>
{cl}
""",
        {"to.user_text": "null-\x00-null", "from.tag": "839923423"},
    ),
    Sound(
        "esc02: a percent sign in a method escapes nothing",
        """
RE%47IST%45R sip:registrar.lab.test SIP/2.0
{via}
{from}
To: "%Z%45" <sip:resource@lab.test>
{id}
CSeq: 29344 RE%47IST%45R
{cl}
""",
        {"method": "RE%47IST%45R", "to.display": "%Z%45"},
    ),
    Sound(
        "lwsdisp: no space between display name and bracket",
        """
OPTIONS sip:user@lab.test SIP/2.0
{via}
From: caller<sip:caller@lab.test>;tag=323
{to}
{id}
CSeq: 60 OPTIONS
{cl}
""",
        {"from.display": "caller", "from.uri": "sip:caller@lab.test"},
    ),
    Sound(
        "longreq: long values everywhere",
        f"""
INVITE sip:user@lab.test SIP/2.0
To: "I have a user name of {"extreme" * 30} proportion" <sip:user@lab.test:6000;p1={"long" * 60}value>
From: sip:{"amazinglylong" * 20}caller@lab.test;tag=12{"982" * 50}424
Call-ID: longreq.one{"really" * 20}longcallid
CSeq: 3882340 INVITE
Unknown-{"Long" * 30}-Name: unknown-{"long" * 60}-value; p={"long" * 60}
Via: SIP/2.0/TCP sip33.lab.test
v: SIP/2.0/TCP {", SIP/2.0/TCP ".join(f"sip{n}.lab.test" for n in range(40))}
{{cl}}
""",
        {"cseq.number": 3882340, "hops": 41},
    ),
    Sound(
        "dblreq: octets after the body of a datagram are not part of it",
        """
REGISTER sip:lab.test SIP/2.0
{via}
{from}
{to}
{id}
CSeq: 8 REGISTER
{cl}
""",
        {"method": "REGISTER", "body_bytes": 0},
        trailing=b"INVITE sip:joe@lab.test SIP/2.0\r\n\r\n",
    ),
    Sound(
        "semiuri: semicolons and parameters inside the user part",
        """
OPTIONS sip:user;par=u%40lab.test@lab.example SIP/2.0
{via}
{from}
To: sip:j_user@lab.test
{id}
CSeq: 8 OPTIONS
{cl}
""",
        {"uri.user": "user;par=u%40lab.test", "uri.host": "lab.example"},
    ),
    Sound(
        "transports: known and unknown ones in one response path",
        """
OPTIONS sip:user@lab.test SIP/2.0
Via: SIP/2.0/UDP t1.lab.test;branch=z9hG4bKkdjuw
Via: SIP/2.0/SCTP t2.lab.test;branch=z9hG4bKklasjdhf
Via: SIP/2.0/TLS t3.lab.test;branch=z9hG4bK2980unddj
Via: SIP/2.0/UNKNOWN t4.lab.test;branch=z9hG4bKasd0f3en
Via: SIP/2.0/TCP t5.lab.test;branch=z9hG4bK0a9idfnee
{from}
{to}
{id}
CSeq: 60 OPTIONS
{cl}
""",
        {"via.transport": "UDP", "hops": 5},
    ),
    Sound(
        "mpart01: a binary part with line breaks and NUL",
        """
MESSAGE sip:kumiko@lab.test SIP/2.0
{via}
{from}
{to}
{id}
CSeq: 1 MESSAGE
Content-Type: multipart/mixed;boundary=7a9cbec02ceef655
Content-Length: {len}
""",
        {"content-type": "multipart/mixed;boundary=7a9cbec02ceef655"},
        b"--7a9cbec02ceef655\r\nContent-Type: text/plain\r\n\r\nHi\r\n"
        b"--7a9cbec02ceef655\r\n\r\n\x00\x30\x82\r\n\r\n\xff\xfe\x0d\x0a..\r\n"
        b"--7a9cbec02ceef655--\r\n\r\n\r\n",
    ),
    Sound(
        "unreason: a reason phrase beyond ASCII",
        """
SIP/2.0 200 = 2**3 * 5**2 \u043d\u043e \u0441\u0442\u043e \u0434\u0435\u0432\u044f\u043d\u043e\u0441\u0442\u043e
{via}
{from}
To: <sip:bruno@lab.test>;tag=t1
{id}
CSeq: 35 INVITE
{cl}
""",
        {"status": 200, "to.tag": "t1"},
    ),
    Sound(
        "noreason: an empty reason phrase with its space",
        "SIP/2.0 100 \n{via}\n{from}\n{to}\n{id}\nCSeq: 35 INVITE\n{cl}",
        {"status": 100, "reason": ""},
    ),
    Sound(
        "baddate: a date we never asked for does no harm",
        """
INVITE sip:user@lab.test SIP/2.0
{via}
{from}
{to}
{id}
CSeq: 1 INVITE
Date: Fri, 01 Jan 2010 16:00:00 EST
{cl}
""",
        {"date": "Fri, 01 Jan 2010 16:00:00 EST"},
    ),
    Sound(
        "badbranch: a branch that is nothing but the cookie",
        """
OPTIONS sip:user@lab.test SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK
{from}
{to}
{id}
CSeq: 8 OPTIONS
{cl}
""",
        {"via.branch": "z9hG4bK"},
    ),
    Sound(
        "unkscm: a Request-URI of an unknown scheme",
        "OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0\n"
        "{via}\n{from}\n{to}\n{id}\nCSeq: 3 OPTIONS\n{cl}",
        {"uri.scheme": "nobodyknowsthisscheme"},
    ),
    Sound(
        "novelsc: a registered scheme that is not SIP",
        "OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0\n"
        "{via}\n{from}\n{to}\n{id}\nCSeq: 3 OPTIONS\n{cl}",
        {"uri.scheme": "soap.beep"},
    ),
    Sound(
        "unksm2: unknown schemes in the addresses",
        """
REGISTER sip:lab.test SIP/2.0
{via}
From: <http://www.lab.test>;tag=3234233
To: <isbn:2983792873>
{id}
CSeq: 234902 REGISTER
Contact: <name:John_Smith>
{cl}
""",
        {"to.uri": "isbn:2983792873", "contact.uri": "name:John_Smith"},
    ),
    Sound(
        "bext01: unknown extensions are for the layers above",
        """
OPTIONS sip:user@lab.test SIP/2.0
{via}
{from}
{to}
{id}
CSeq: 8 OPTIONS
Require: nothingSupportsThis, nothingSupportsThisEither
Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis
{cl}
""",
        {"require": "nothingSupportsThis, nothingSupportsThisEither"},
    ),
    Sound(
        "regaut01: an authentication scheme nobody knows",
        """
REGISTER sip:lab.test SIP/2.0
{via}
{from}
{to}
{id}
CSeq: 9338 REGISTER
Authorization: NoOneKnowsThisScheme opaque-data=here
{cl}
""",
        {"auth.scheme": "NoOneKnowsThisScheme"},
    ),
    Sound(
        "zeromf: Max-Forwards of zero is for the receiver to act on",
        "OPTIONS sip:user@lab.test SIP/2.0\n{via}\n{from}\n{to}\n{id}\n"
        "CSeq: 39234321 OPTIONS\nMax-Forwards: 0\n{cl}",
        {"max-forwards": "0"},
    ),
    Sound(
        "cparam02: an unknown parameter inside the Contact's URI",
        "REGISTER sip:lab.test SIP/2.0\n{via}\n{from}\n{to}\n{id}\nCSeq: 2 REGISTER\n"
        "Contact: <sip:watson@host.lab.test;unknownparam>\n{cl}",
        {"contact.uri": "sip:watson@host.lab.test;unknownparam"},
    ),
    Sound(
        "regescrt: a Contact whose URI carries an escaped Route",
        "REGISTER sip:lab.test SIP/2.0\n{via}\n{from}\n{to}\n{id}\nCSeq: 2 REGISTER\n"
        "Contact: <sip:user@lab.test?Route=%3Csip:proxy.lab.test%3E>\n{cl}",
        {"contact.header:Route": "<sip:proxy.lab.test>"},
    ),
    Sound(
        "inv2543: a peer from before RFC 3261, without branch, tags and Max-Forwards",
        """
INVITE sip:user@lab.test SIP/2.0
Via: SIP/2.0/UDP iftgw.lab.test
From: <sip:+13035551111@ift.client.lab.test;user=phone>
{to}
{id}
CSeq: 56 INVITE
Content-Type: application/sdp
""",
        {"via.branch": None, "from.tag": None},
    ),
    Sound(
        "badaspec: a space inside the brackets is forgiven",
        "OPTIONS sip:user@lab.test SIP/2.0\n{via}\n{from}\nTo: < sip:t.watson@lab.test >\n{id}\n"
        "CSeq: 8 OPTIONS\n{cl}",
        {"to.uri": "sip:t.watson@lab.test"},
    ),
    Sound(
        "teams: capital header names and opaque parameters",
        """
REFER sip:cc@sbc.lab.test:5061;transport=tls SIP/2.0
VIA: SIP/2.0/TLS 52.114.1.1:5061;branch=z9hG4bKAb1
FROM: <sip:+14255550101@sip.pstnhub.test:5061;user=phone>;tag=d0
TO: <sip:+390612345678@sbc.lab.test:5061;user=phone>;tag=c1
CALL-ID: 7c1d2e
CSEQ: 2 REFER
CONTACT: <sip:api-du-a-eu.pstnhub.test:443;x-i=8f3a;x-c=9d/8/e>
REFER-TO: <sip:sip.pstnhub.test:5061;transport=tls;x-m=8:orgid:1111-2222;x-t=ab>
REFERRED-BY: <sip:sip.pstnhub.test:5061;x-m=8:orgid:AaAa;x-ti=c0;x-tt=aHR0cHM6Ly9hcGkt%3d>
CONTENT-LENGTH: 0
""",
        {
            "refer-to": "<sip:sip.pstnhub.test:5061;transport=tls;x-m=8:orgid:1111-2222;x-t=ab>",
            "contact.uri": "sip:api-du-a-eu.pstnhub.test:443;x-i=8f3a;x-c=9d/8/e",
            "referred-by": "<sip:sip.pstnhub.test:5061;x-m=8:orgid:AaAa;x-ti=c0;"
            "x-tt=aHR0cHM6Ly9hcGkt%3d>",
        },
    ),
    Sound(
        "bytes that are not UTF-8 survive",
        'MESSAGE sip:user@lab.test SIP/2.0\n{via}\nFrom: "caf\udce9" <sip:a@lab.test>;tag=1\n{to}\n'
        "{id}\nCSeq: 1 MESSAGE\nSubject: \udcff\udcfe\n{cl}",
        {"from.display": "caf\udce9", "subject": "\udcff\udcfe"},
    ),
    Sound(
        "underscores and digits in host names",
        "OPTIONS sip:a@sbc1 SIP/2.0\nVia: SIP/2.0/TCP voice_node_1:5060;branch=z9hG4bKu\n{from}\n"
        "{to}\n{id}\nCSeq: 1 OPTIONS\nContact: <sip:a@voice_node_1:5060>\n{cl}",
        {"via.host": "voice_node_1", "uri.host": "sbc1"},
    ),
]

BROKEN = [
    Broken(
        "badinv01: separators where values should be",
        """
INVITE sip:user@lab.test SIP/2.0
{to}
{from}
{mf}
{id}
CSeq: 8 INVITE
Via: SIP/2.0/UDP 192.0.2.15;;,;,,
Contact: "Joe" <sip:joe@lab.test>;;;;
{cl}
""",
        "bad-via",
    ),
    Broken(
        "clerr: the body is shorter than promised",
        "INVITE sip:user@lab.test SIP/2.0\n{via}\n{from}\n{to}\n{id}\nCSeq: 8 INVITE\n"
        "Content-Length: 9999",
        "body-shorter-than-content-length",
        body=b"v=0\r\n",
    ),
    Broken(
        "a NUL that no quoted pair protects",
        "OPTIONS sip:lab.test SIP/2.0\n{via}\n{from}\n{to}\n{id}\nCSeq: 8 OPTIONS\n"
        'Subject: "\\\\\x00"\n{cl}',
        "nul-in-header",
    ),
    Broken(
        "a NUL where an answer would repeat it",
        "OPTIONS sip:lab.test SIP/2.0\n{via}\n{from}\nTo: <sip:a\\\x00@lab.test>\n{id}\n"
        "CSeq: 8 OPTIONS\n{cl}",
        "nul-in-header",
        answerable=False,
    ),
    Broken(
        "ncl: a negative Content-Length",
        "INVITE sip:user@lab.test SIP/2.0\n{via}\n{from}\n{to}\n{id}\nCSeq: 8 INVITE\n"
        "Content-Length: -999",
        "bad-content-length",
    ),
    Broken(
        "scalar02: a CSeq beyond 32 bits",
        "REGISTER sip:lab.test SIP/2.0\n{via}\n{from}\n{to}\n{id}\n"
        "CSeq: 36893488147419103232 REGISTER\n{cl}",
        "cseq-out-of-range",
    ),
    Broken(
        "scalar02: a CSeq of a hundred thousand digits",
        "REGISTER sip:lab.test SIP/2.0\n{via}\n{from}\n{to}\n{id}\n"
        f"CSeq: {'9' * 10_000} REGISTER\n{{cl}}",
        "cseq-out-of-range",
    ),
    Broken(
        "scalar02: Max-Forwards beyond 255",
        "REGISTER sip:lab.test SIP/2.0\n{via}\n{from}\n{to}\n{id}\nCSeq: 1 REGISTER\n"
        "Max-Forwards: 300\n{cl}",
        "bad-max-forwards",
    ),
    Broken(
        "scalarlg: a response is dropped, never answered",
        "SIP/2.0 503 Service Unavailable\n{via}\n{from}\n{to}\n{id}\nCSeq: 9292394834772304023312 OPTIONS",
        "cseq-out-of-range",
        answerable=False,
    ),
    Broken(
        "quotbal: a display name that never ends",
        'INVITE sip:user@lab.test SIP/2.0\n{via}\n{from}\nTo: "Mr. J. User <sip:j.user@lab.test>\n'
        "{id}\nCSeq: 8 INVITE\n{cl}",
        "unbalanced-display-name",
    ),
    Broken(
        "ltgtruri: brackets around the Request-URI",
        "INVITE <sip:user@lab.test> SIP/2.0\n{via}\n{from}\n{to}\n{id}\nCSeq: 8 INVITE\n{cl}",
        "bad-request-line",
    ),
    Broken(
        "lwsruri: a space inside the Request-URI",
        "INVITE sip:user@lab.test; lr SIP/2.0\n{via}\n{from}\n{to}\n{id}\nCSeq: 8 INVITE\n{cl}",
        "bad-request-line",
    ),
    Broken(
        "lwsstart: two spaces in the request line",
        "INVITE  sip:user@lab.test  SIP/2.0\n{via}\n{from}\n{to}\n{id}\nCSeq: 8 INVITE\n{cl}",
        "bad-request-line",
    ),
    Broken(
        "trws: a space after the version",
        "OPTIONS sip:user@lab.test SIP/2.0 \n{via}\n{from}\n{to}\n{id}\nCSeq: 8 OPTIONS\n{cl}",
        "bad-version",
    ),
    Broken(
        "escruri: headers in the Request-URI",
        "INVITE sip:user@lab.test?Route=%3Csip:lab.test%3E SIP/2.0\n{via}\n{from}\n{to}\n{id}\n"
        "CSeq: 8 INVITE\n{cl}",
        "headers-in-request-uri",
    ),
    Broken(
        "baddn: a comma in a display name without quotes",
        "INVITE sip:user@lab.test SIP/2.0\n{via}\nFrom: Bell, Alexander <sip:a@lab.test>;tag=43\n"
        "{to}\n{id}\nCSeq: 8 INVITE\n{cl}",
        "bad-display-name",
    ),
    Broken(
        "badvers: a version from the future",
        "OPTIONS sip:user@lab.test SIP/7.0\n{via}\n{from}\n{to}\n{id}\nCSeq: 8 OPTIONS\n{cl}",
        "bad-version",
        505,
    ),
    Broken(
        "mismatch01: the CSeq names another method",
        "OPTIONS sip:user@lab.test SIP/2.0\n{via}\n{from}\n{to}\n{id}\nCSeq: 8 INVITE\n{cl}",
        "cseq-method-mismatch",
    ),
    Broken(
        "mismatch02: the same with an unknown method",
        "NEWMETHOD sip:user@lab.test SIP/2.0\n{via}\n{from}\n{to}\n{id}\nCSeq: 8 INVITE\n{cl}",
        "cseq-method-mismatch",
    ),
    Broken(
        "bigcode: a status that is a number of another kind",
        "SIP/2.0 4294967301 better not break the receiver\n{via}\n{from}\n{to}\n{id}\nCSeq: 8 INVITE",
        "bad-status-line",
        answerable=False,
    ),
    Broken(
        "insuf: From, To and Call-ID are missing",
        "INVITE sip:user@lab.test SIP/2.0\n{via}\nCSeq: 8 INVITE\n{cl}",
        "missing-from",
    ),
    Broken(
        "insuf: without a Via nobody can be answered",
        "INVITE sip:user@lab.test SIP/2.0\n{from}\n{to}\n{id}\nCSeq: 8 INVITE\n{cl}",
        "missing-via",
        answerable=False,
    ),
    Broken(
        "multi01: single fields given twice",
        "INVITE sip:user@lab.test SIP/2.0\n{via}\n{from}\n{from}\n{to}\n{id}\nCSeq: 8 INVITE\n{cl}",
        "repeated-header",
    ),
    Broken(
        "mcl01: two lengths that differ",
        "OPTIONS sip:user@lab.test SIP/2.0\n{via}\n{from}\n{to}\n{id}\nCSeq: 8 OPTIONS\n"
        "Content-Length: 5\nl: 0",
        "conflicting-content-length",
        body=b"hello",
    ),
    Broken(
        "an ACK is never answered, however broken",
        "ACK sip:user@lab.test SIP/2.0\n{via}\n{from}\n{to}\n{id}\nCSeq: 8 INVITE\n{cl}",
        "cseq-method-mismatch",
        answerable=False,
    ),
    Broken(
        "two identities in From",
        'OPTIONS sip:u@lab.test SIP/2.0\n{via}\nFrom: "A" <sip:a@lab.test>, "B" <sip:b@lab.test>;tag=1\n'
        "{to}\n{id}\nCSeq: 8 OPTIONS\n{cl}",
        "unbalanced-angle-brackets",
    ),
    Broken(
        "a header line without a colon",
        "OPTIONS sip:u@lab.test SIP/2.0\n{via}\nnonsense\n{from}\n{to}\n{id}\nCSeq: 8 OPTIONS\n{cl}",
        "header-without-colon",
    ),
    Broken(
        "a space inside a header name",
        "OPTIONS sip:u@lab.test SIP/2.0\n{via}\n{from}\n{to}\n{id}\nCSeq: 8 OPTIONS\nX Y: z\n{cl}",
        "bad-header-name",
    ),
    Broken(
        "a fold before the first header",
        "OPTIONS sip:u@lab.test SIP/2.0\n folded\n{via}\n{from}\n{to}\n{id}\nCSeq: 8 OPTIONS\n{cl}",
        "header-without-colon",
    ),
    Broken(
        "a lone line feed hides a second header",
        "OPTIONS sip:u@lab.test SIP/2.0\n{via}\n{from}\n{to}\n{id}\nCSeq: 8 OPTIONS\n"
        "Subject: a\rX-Smuggled: b\n{cl}",
        "bare-line-break",
        answerable=False,
    ),
    Broken(
        "a Via of another version",
        "OPTIONS sip:u@lab.test SIP/2.0\nVia: SIP/3.0/UDP h;branch=z9hG4bK1\n{from}\n{to}\n{id}\n"
        "CSeq: 8 OPTIONS\n{cl}",
        "bad-via-version",
        505,
        answerable=False,
    ),
    Broken(
        "a Via whose port is none",
        "OPTIONS sip:u@lab.test SIP/2.0\nVia: SIP/2.0/UDP h:70000\n{from}\n{to}\n{id}\n"
        "CSeq: 8 OPTIONS\n{cl}",
        "bad-port",
        answerable=False,
    ),
]
