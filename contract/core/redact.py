"""What of an exchange may leave memory: the one place that makes an example out of it.

Rules judge the exchange as it was; whatever is stored, printed or sent goes through `example`, `text` or `url`.

What is masked, and how it reads afterwards:

- by name: headers, cookies, query and form parameters, multipart parts, XML elements and JSON members whose name says
  secret (`SENSITIVE`, names split into words, so that `apiKey`, `api-key` and `API_KEY` are one), and API keys that the
  document's security schemes name;
- by declaration: `writeOnly`, `format: password`, `x-sensitive`, `x-pii` at the value's place in its schema;
- by look, anywhere in any text: e-mail addresses, card numbers, IBANs, JSON Web Tokens, bearer and basic credentials,
  well-known token prefixes, long random strings, private keys, a URL's user information; also when percent-encoded,
  JSON-escaped or in base64;
- by recurrence: a value masked for its name or declaration is masked wherever else the exchange repeats it, and the
  run's own credentials wherever anything repeats them.

UUIDs, hashes, ULIDs and base64 of plain text are no secrets by look, nor is anything under a name that says identifier
(`node_id`, `ETag`, `cursor`).

A masked string is `[redacted]`, or has the least value of its own kind (a nil UUID, 1970-01-01, `redacted@example.invalid`,
zeroes for digits); a number is 0, a boolean false; null stays null. `masked` names the places: `header:cookie`,
`query:token`, `path:2` (segments count from 1), `body:/user/email`, `body:` for a text as a whole.

A long JSON body is shortened to valid JSON around the differing part: a run of left-out array items is the one string
`"… 12 more"`, left-out members of an object are one member `"…": "12 more"`, a long string ends in `…`.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any
from urllib.parse import unquote, unquote_plus

from contract.core.document import escape, resolve, unescape
from contract.core.evidence import Exchange, Headers, header, is_json, media_type
from contract.core.report import Example, ExampleRequest, ExampleResponse

MASK = "[redacted]"
EMAIL = "redacted@example.invalid"

SENSITIVE = re.compile(
    "authorization|bearer|cookie|credential|csrf|cvc|cvv|iban|jwt|mfa|otp|passcode|passphrase|passwd|password|pin|pwd"
    "|secret|session|sid|sig|signature|ssn|token|totp|xsrf"
)
"""Words that make a name secret, wherever they stand in it."""
_PAIRS = re.compile(
    "(?:access|account|api|app|auth|client|consumer|encryption|master|private|secret|shared|signing|storage"
    "|subscription)-key|card-number|credit-card|security-code"
)
_INSIDE = ("apikey", "accesskey", "passphrase", "passwd", "password", "privatekey", "secretkey", "clientsecret")
_AT_END = ("cardnumber", "creditcard", "jwt", "secret", "sessid", "sessionid", "signature", "token")
# `token_type: bearer`, `password_expires_at: 2027-01-01` and `max_tokens: 100` speak about a secret and hold none.
_ABOUT = re.compile("at|count|enabled|expired|expires|expiry|length|limit|policy|required|ttl|type")
# `nextPageToken` is a place in a list.
_PAGE = re.compile("(?:.*-)?(?:page|continuation|scroll)-token")
_IDENTIFIER = re.compile(
    "(?:.*-)?(?:id|uid|uuid|guid|ulid|e-?tag|sha|hash|digest|checksum|integrity|fingerprint|cursor|after|before|ref"
    "|revision|rev|commit|version|match|trace)s?"
)

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@lru_cache(maxsize=4096)
def sensitive(name: str) -> bool:
    """True if the name of a header, parameter or member says that its value is a secret.

    >>> [sensitive(name) for name in ("apiKey", "X-Api-Key", "user[password]", "accesstoken", "token_type", "keyboard")]
    [True, True, True, True, False, False]
    """
    words = [word.lower() for word in _WORDS.findall(name)]
    if _PAGE.fullmatch("-".join(words)):
        return False
    words = [word[:-1] if re.fullmatch(f"(?:{SENSITIVE.pattern}|key|card)s", word) else word for word in words]
    if not words or (len(words) > 1 and _ABOUT.fullmatch(words[-1])):
        return False
    if any(map(SENSITIVE.fullmatch, words)) or words in (["auth"], ["x", "auth"]):
        return True
    if any(_PAIRS.fullmatch(f"{one}-{two}") for one, two in pairwise(words)):
        return True
    flat = "".join(words)
    return flat.endswith(_AT_END) or any(stem in flat for stem in _INSIDE)


@lru_cache(maxsize=4096)
def identifier(name: str) -> bool:
    """True if the name says that its value names something, however random it looks.

    >>> [identifier(name) for name in ("node_id", "X-Request-Id", "ETag", "nextCursor", "session_id", "code")]
    [True, True, True, True, False, False]
    """
    words = "-".join(word.lower() for word in _WORDS.findall(name))
    return bool(_IDENTIFIER.fullmatch(words) or _PAGE.fullmatch(words)) and not sensitive(name)


# --- by look -------------------------------------------------------------------------------------------------------

_UUID = r"\b[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\b"
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----.*?(?:-----END [A-Z0-9 ]*-----|\Z)", re.DOTALL)
_USERINFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,20}:\\?/\\?/)([^\s/?#\"'<>\\]+)@")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{4,4000}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){0,3}")
_SCHEME = re.compile(r"(?i)\b(bearer|basic|token|apikey|digest|negotiate|hawk)([ :]+|%20|\+)([A-Za-z0-9._~+/|=-]{6,})")
_PREFIX = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:ctr|sk|pk|rk|whsec|npm|pypi|shpat|shpss|dop_v1|hf|lin_api|sq0[a-z]{3}|gh[pousr]|github_pat"
    r"|glpat|xox[a-z])[_-][A-Za-z0-9_-]{8,}|(?:AKIA|ASIA)[A-Z0-9]{12,}|AIza[A-Za-z0-9_-]{20,}|[0-9]{1,9}\|[A-Za-z0-9]{24,})"
)
# Of what RFC 5322 allows before the @, slash, question mark, ampersand, backtick and equals sign are left out: they
# stand around an address far more often than in it. A bounce address (`bounces+jo=a.example@b.example`) holds another.
_EMAIL = re.compile(
    r"(?:\"[^\"\\\s@]{1,64}\"|(?:\w[\w.]{0,63}[+-][\w.+-]{0,64}=)?\w[\w!#$%'*+^{|}~.-]{0,63})@"
    r"(?:\[[0-9A-Fa-f.:]+\]|localhost\b|[^\W_](?:[\w-]*[^\W_])?(?:\.[^\W_](?:[\w-]*[^\W_])?)+)"
)
_DIGITS = re.compile(_UUID + r"|(?<![\d.])(?<!\d[ -])(\d(?:[ -]?\d){12,62})(?![ -]?\d)(?!\.\d)")
_IBAN = re.compile(r"\b(?:[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}|[a-z]{2}\d{2}[a-z0-9]{11,30})\b")
_LONG = re.compile(_UUID + r"|[A-Za-z0-9_\-]{24,}={0,2}|[A-Za-z0-9+/]{32,}={0,2}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
# Whole words, matched in one go: a pattern that looks for the escape itself takes quadratic time on a long word.
_WORD = re.compile(r"[^\s\"'<>&=;]+")
_ENTITY = re.compile(r"[^\s\"'<>]+")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_ESCAPED = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})|&#x?[0-9A-Fa-f]{1,6};|&(?:commat|period|colon);")
_PAIR = re.compile(r"(?<![\w.\-\[\]%$])([\w][\w.\-\[\]%$]{0,80})(=)(\"[^\"\n]*\"|'[^'\n]*'|[^\s&;,\"'<>)]+)")
_MEMBER = re.compile(
    r"(\\{0,7}[\"'])([^\"'\\\n:]{1,80})(\\{0,7}[\"']\s{0,9}:\s{0,9})"
    r"(\\{0,7}\"(?:[^\"\\]|\\{1,7}[^\"\\])*\\{0,7}\"?|\\{0,7}'[^'\n]*'?|[^\s,}\]]+)"
)
_HEADER = re.compile(r"(?im)\b(authorization|(?:set-)?cookie|[a-z]{1,30}(?:-[a-z]{1,30}){1,8})(: ?)([^\r\n]+)")
_LINE = re.compile(r"(?m)^(\s*(?:- )?)([\w.-]+)(:[ \t]+)(\S[^\r\n]*)$")
_ELEMENT = re.compile(
    r"<([\w:.-]{1,80})([^<>]{0,999})>([^<>]+)(?=</)|<([\w:.-]{1,80})([^<>]{0,999})><!\[CDATA\[(.*?)\]\]>", re.DOTALL
)

_TAG = re.compile(r"(?i)<(?:input|meta|param)\b[^<>]{1,2000}")
_ATTRIBUTE = re.compile(r"(?<![\w-])([A-Za-z]{2,12})=(\"[^\"]*\"|'[^']*'|[^\s\"'<>]+)")


def luhn(digits: str) -> bool:
    """True if the last digit checks the others, as on payment cards (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) << (place % 2)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


# Issuers and the lengths of their numbers; one in ten long ids has a right check digit too.
_ISSUED = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|220[0-4]\d{12,15}"
    r"|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11,16}|35\d{14,17}|(?:5[0678]|6\d)\d{11,17}"
)


def _card(digits: str) -> bool:
    bare = re.sub(r"[ -]", "", digits)
    if len(bare) > 19:  # one that somebody has made longer, to see whether it is refused
        return any(_card(bare[:length]) for length in (13, 15, 16, 19))
    if not _ISSUED.fullmatch(bare) or not luhn(bare):
        return False
    return not re.search(r"(?:19|20)\d\d-[01]\d-[0-3]\d", digits)


def _iban(value: str) -> bool:
    bare = value.replace(" ", "").upper()
    return 15 <= len(bare) <= 34 and int("".join(str(int(c, 36)) for c in bare[4:] + bare[:4])) % 97 == 1


def _random(value: str) -> bool:
    """True for what only a machine writes and only a machine reads: no words, no numbers, no base64 of a text."""
    if re.fullmatch(_UUID, value):
        return False
    if not (re.search("[a-z]", value) and re.search("[A-Z]", value) and re.search("[0-9]", value)):
        return False
    if 8 * len(re.findall(r"[-_+/]", value)) > len(value):
        return False
    # The pieces of `getProjectV2ItemsById` are words, those of a random string have two characters.
    pieces = re.findall("[A-Z]?[a-z]+|[A-Z]+|[0-9]+", value)
    if sum(map(len, pieces)) > 3.2 * len(pieces) or _unbase64(value) is not None:
        return False
    counts = Counter(value)
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    return bits >= 3.6


def _zeroes(match: re.Match[str]) -> str:
    digits = match.group(1)
    return re.sub(r"\d", "0", digits) if digits and _card(digits) else match.group()


def _credential(match: re.Match[str]) -> str:
    scheme, gap, value = match.groups()
    if value == MASK:
        return match.group()
    if scheme.lower() == "basic":
        decoded = _unbase64(value)
        secret = decoded is not None and ":" in decoded
    else:
        secret = len(value) >= 20 or bool(re.search(r"[0-9_|=+/]", value))
    return f"{scheme}{gap}{MASK}" if secret else match.group()


_SPACES = str.maketrans("\t\r\n", "   ")


def _unbase64(value: str) -> str | None:
    """The text in it, if it is base64 of printable text."""
    try:
        raw = base64.b64decode(value.replace("-", "+").replace("_", "/") + "=" * (-len(value) % 4), validate=True)
        decoded = raw.decode()
    except (binascii.Error, ValueError):
        return None
    return decoded if decoded.translate(_SPACES).isprintable() else None


def _address(match: re.Match[str]) -> str:
    # `git@github.com:org/repo.git` names no person.
    return match.group() if match.group() == EMAIL or match.group().startswith("git@") else EMAIL


def _look(value: str, named: bool = False) -> str:
    """The text with whatever looks secret or personal masked, as it stands; `named` if it is an identifier's value."""
    value = _PRIVATE_KEY.sub(MASK, value)
    value = _USERINFO.sub(lambda m: f"{m.group(1)}{MASK}@", value)
    value = _JWT.sub(MASK, value)
    value = _SCHEME.sub(_credential, value)
    value = _PREFIX.sub(MASK, value)
    if "@" in value:
        value = _EMAIL.sub(_address, value)
    value = _DIGITS.sub(_zeroes, value)
    value = _IBAN.sub(lambda m: MASK if _iban(m.group()) else m.group(), value)
    return value if named else _LONG.sub(lambda m: MASK if _random(m.group()) else m.group(), value)


def _unescape(value: str) -> str:
    value = re.sub(r"\\{1,7}(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2}))", lambda m: chr(int(m[1] or m[2], 16)), value)
    return html.unescape(value)


# --- the masking of one exchange -----------------------------------------------------------------------------------


@dataclass
class _Censor:
    """Masks, and remembers what it masked for its name, so that a second pass finds it again elsewhere."""

    extra: frozenset[str] = frozenset()
    known: tuple[str, ...] = ()
    root: Mapping[str, Any] | None = None
    found: set[str] = field(default_factory=set)
    memo: Memo | None = None

    def named(self, name: str) -> bool:
        return sensitive(name) or (bool(self.extra) and _flat(name) in self.extra)

    def text(self, value: str, *, lines: bool = False, name: str = "", decode: bool = True) -> str:
        """The text with every secret masked; `lines` also reads `name: value` lines, as YAML and dumps have them.

        `name` is that of what holds the text, where there is one.
        """
        value = self._recurring(value)
        value = _look(value, identifier(name))
        value = self._pairs(value)
        value = _MEMBER.sub(lambda m: m[1] + self._pair(m, m[2], m[3], m[4], skip=len(m[1])), value)
        value = _HEADER.sub(lambda m: self._pair(m, m[1], m[2], m[3]), value)
        if lines:
            value = _LINE.sub(lambda m: m[1] + self._pair(m, m[2], m[3], m[4], skip=len(m[1])), value)
        if "<" in value:
            value = _TAG.sub(self._tag, _ELEMENT.sub(self._element, value))
        if not decode:
            return value
        # What is written in another alphabet is read in ours; if that shows something, the whole word goes.
        if _PERCENT.search(value):
            value = _WORD.sub(lambda m: self._decoded(m.group(), unquote), value)
        if _ESCAPED.search(value):
            value = _ENTITY.sub(lambda m: self._decoded(m.group(), _unescape), value)
            plain = _unescape(value)
            if _look(plain) != plain:  # several words, such as a card number with spaces
                value = _look(plain)
        return _BASE64.sub(lambda m: self._decoded(m.group(), lambda word: _unbase64(word) or word), value)

    def _recurring(self, value: str) -> str:
        for secret in self.known:
            if secret in value:
                value = value.replace(secret, MASK)
        return value

    def _decoded(self, word: str, decode: Callable[[str], str]) -> str:
        decoded = decode(word)
        for _ in range(3):
            if decoded == word:
                return word
            if self.text(decoded, decode=False) != decoded:
                return EMAIL if _EMAIL.fullmatch(decoded) else MASK
            again = decode(decoded)
            if again == decoded:
                break
            decoded = again
        return word

    def _pair(self, match: re.Match[str], name: str, gap: str, value: str, *, skip: int = 0) -> str:
        whole = match.group()[skip:]
        bare = value.strip("\\\"'")
        if not self.named(unquote(name)) or not bare or bare in ("null", "true", "false", "None"):
            return whole
        quote = re.match(r"\\{0,7}[\"']", value)
        edge = quote.group() if quote else ""
        return f"{name}{gap}{edge}{self.secret(bare)}{edge}"

    def _pairs(self, value: str) -> str:
        def pair(match: re.Match[str]) -> str:
            name, gap, inner = match[1], match[2], match[3]
            masked = self._pair(match, name, gap, inner)
            if masked != match.group() or len(inner) < 2 or inner[0] not in "\"'" or inner[-1] != inner[0]:
                return masked
            return f"{name}{gap}{inner[0]}{self._pairs(inner[1:-1])}{inner[0]}"  # href="/x?token=…"

        return _PAIR.sub(pair, value)

    def _tag(self, match: re.Match[str]) -> str:
        """`<input name="_token" value="…">`, `<meta name="csrf-token" content="…">`: the name is a value as well."""
        attributes = {each[1].lower(): each[2].strip("\"'") for each in _ATTRIBUTE.finditer(match.group())}
        names = (attributes.get(key, "") for key in ("name", "id", "property", "itemprop"))
        if not any(map(self.named, names)) and attributes.get("type", "").lower() != "password":
            return match.group()

        def attribute(each: re.Match[str]) -> str:
            value = each[2].strip("\"'")
            if each[1].lower() not in ("value", "content") or not value:
                return each.group()
            return each.group().replace(value, self.secret(value))

        return _ATTRIBUTE.sub(attribute, match.group())

    def _element(self, match: re.Match[str]) -> str:
        name, rest, value = (match[1], match[2], match[3]) if match[1] else (match[4], match[5], match[6])
        if not self.named(name.rpartition(":")[2]) or not value.strip():
            return match.group()
        return f"<{name}{rest}>{self.secret(value)}"

    def secret(self, value: str) -> str:
        """What stands for a string that is masked for its name; the scheme of a credential stays."""
        if not value or MASK in value or value == EMAIL:
            return value
        scheme = re.match(r"(?i)(bearer|basic|token|apikey|digest|negotiate|hawk|aws4-hmac-sha256)\s+(?=\S)", value)
        if scheme:
            self._remember(value[scheme.end() :])
            decoded = _unbase64(value[scheme.end() :]) if scheme[1].lower() == "basic" else None
            if decoded:
                self._remember(decoded.partition(":")[2])
            return f"{scheme[1]} {MASK}"
        self._remember(value)
        return _stand_in(value)

    def _remember(self, value: str) -> None:
        # Shorter or plainer values would mask half of an innocent body; `_token` is a name that somebody wrote for a value.
        if re.fullmatch(r"[a-z]+|[a-z_-]*[_-][a-z_-]*", value) and len(value) < 24 and sensitive(value):
            return
        if len(value) >= 6 and len(set(value)) >= 4 and value.lower() not in ("password", "string", "secret", "bearer"):
            self.found.add(value)

    # --- JSON ---

    def json(self, value: Any, schemas: Sequence[Mapping[str, Any]], at: str, hidden: bool, places: list[str]) -> Any:
        """The value masked; `places` gets the pointers of what was."""
        schemas = _expand(schemas, self.root)
        hidden = hidden or any(_marked(schema) for schema in schemas)
        if isinstance(value, dict):
            # `{"name": "DB_PASSWORD", "value": "…"}`: the name is a value as well.
            about = [value[key] for key in ("name", "key", "field") if isinstance(value.get(key), str)]
            spelled = frozenset({"value", "values"} if any(map(self.named, about)) else ())
            out: dict[str, Any] = {}
            for key, item in value.items():
                name = self.text(key)
                if name != key:
                    places.append(f"{at}/{escape(name)}")
                while name in out and name != key:  # two e-mails as keys
                    name += "_"
                below = _members(schemas, key)
                secret = hidden or key in spelled
                if self.named(key) and not isinstance(item, bool) and not _plural_count(key, item):
                    secret = True
                out[name] = self.json(item, below, f"{at}/{escape(name)}", secret, places)
            return out
        if isinstance(value, list):
            return [
                self.json(item, _items(schemas, index), f"{at}/{index}", hidden, places)
                for index, item in enumerate(value)
            ]
        masked = self._scalar(value, schemas, hidden, leaf(at))
        if masked != value or type(masked) is not type(value):
            places.append(at)
        return masked

    def _scalar(self, value: Any, schemas: Sequence[Mapping[str, Any]], hidden: bool, name: str) -> Any:
        if value is None:
            return None
        if isinstance(value, bool):
            return False if hidden and any(_marked(schema) for schema in schemas) else value
        if isinstance(value, _Number):
            if hidden:
                self._remember(value.literal)
                return _Number("0")
            digits = value.literal.lstrip("-")
            card = digits.isdigit() and 13 <= len(digits) <= 19 and _card(digits)
            return _Number("0") if card or self._recurring(digits) != digits else value
        if hidden:
            return self.secret(value)
        if "@" in value and any(schema.get("format") in ("email", "idn-email") for schema in schemas):
            return EMAIL
        return self._inner(value) or self.text(value, name=name)

    def _inner(self, value: str) -> str | None:
        """JSON inside a string, masked; None if there is none or nothing to mask."""
        if value.lstrip()[:1] not in ("{", "["):
            return None
        places: list[str] = []
        try:
            inner = _read(value)[0]
            masked = self.json(inner, [], "", False, places)
        except (ValueError, RecursionError):
            return None
        return _write(masked) if places else None


@dataclass(frozen=True, slots=True)
class _Number:
    """A JSON number as it was written, so that nothing of it is lost on the way."""

    literal: str


def leaf(pointer: str) -> str:
    """The name that a pointer ends in, indices aside: `/node_ids/3` is one of the `node_ids`."""
    return next((token for token in reversed(pointer.split("/")) if token != "*" and not token.isdigit()), "")


def _flat(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _plural_count(name: str, value: Any) -> bool:
    """`max_tokens: 100`, `secrets: 3`: a number of them, not one of them."""
    return isinstance(value, _Number) and bool(re.search(r"s(?:_|-|$)|s[A-Z]", name))


def _stand_in(value: str) -> str:
    """The least value of the same kind, so that what reads it still can."""
    if re.fullmatch(_UUID, value):
        return "00000000-0000-0000-0000-000000000000"
    if value.isascii() and value.isdigit():
        return "0" * len(value)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return "1970-01-01"
    if re.fullmatch(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", value):
        return "1970-01-01T00:00:00Z"
    if _EMAIL.fullmatch(value):
        return EMAIL
    return MASK


# --- schemas -------------------------------------------------------------------------------------------------------


def _marked(schema: Mapping[str, Any]) -> bool:
    return (
        schema.get("writeOnly") is True
        or schema.get("format") == "password"
        or schema.get("x-sensitive") is True
        or schema.get("x-pii") not in (None, False)
    )


def _expand(schemas: Iterable[Any], root: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Every schema that speaks of the same place: behind `$ref`, in `allOf`, `oneOf`, `anyOf`, `then`, `else`."""
    out: list[Mapping[str, Any]] = []
    todo = list(schemas)
    seen: set[int] = set()
    while todo:
        schema = todo.pop()
        if not isinstance(schema, Mapping) or id(schema) in seen:
            continue
        seen.add(id(schema))
        out.append(schema)
        reference = schema.get("$ref")
        if isinstance(reference, str) and root is not None:
            # A dangling reference marks nothing; the document's lint reports it.
            with suppress(KeyError):
                todo.append(resolve(root, reference))
        for keyword in ("allOf", "oneOf", "anyOf"):
            branches = schema.get(keyword)
            todo.extend(branches if isinstance(branches, list) else ())
        todo.extend(schema.get(keyword) for keyword in ("if", "then", "else"))
        dependent = schema.get("dependentSchemas")
        todo.extend(dependent.values() if isinstance(dependent, Mapping) else ())
    return out


def _members(schemas: Sequence[Mapping[str, Any]], key: str) -> list[Any]:
    out: list[Any] = []
    for schema in schemas:
        properties = schema.get("properties")
        if isinstance(properties, Mapping) and key in properties:
            out.append(properties[key])
            continue
        patterns = schema.get("patternProperties")
        for pattern, below in patterns.items() if isinstance(patterns, Mapping) else ():
            try:
                if re.search(pattern, key):
                    out.append(below)
            except re.error:
                out.append(below)  # an ECMA pattern that we cannot read: rather mask too much
        out.extend(schema.get(keyword) for keyword in ("additionalProperties", "unevaluatedProperties"))
    return out


def _items(schemas: Sequence[Mapping[str, Any]], index: int) -> list[Any]:
    out: list[Any] = []
    for schema in schemas:
        prefix = schema.get("prefixItems")
        if isinstance(prefix, list) and index < len(prefix):
            out.append(prefix[index])
        items = schema.get("items")
        out.extend(items if isinstance(items, list) else [items])
        out.extend(schema.get(keyword) for keyword in ("contains", "unevaluatedItems"))
    return out


def _parameters(parameters: Sequence[Mapping[str, Any]], root: Mapping[str, Any] | None) -> set[tuple[str, str]]:
    """`(in, name)` of what the document calls secret, header names in lower case."""
    out: set[tuple[str, str]] = set()
    for parameter in parameters:
        for each in _expand([parameter], root):
            place, name = each.get("in"), each.get("name")
            if not isinstance(place, str) or not isinstance(name, str):
                continue
            if _marked(each) or any(_marked(schema) for schema in _expand([each.get("schema")], root)):
                out.add((place, name.lower() if place == "header" else name))
    components = (root or {}).get("components")
    schemes = components.get("securitySchemes") if isinstance(components, Mapping) else None
    for scheme in schemes.values() if isinstance(schemes, Mapping) else ():
        if isinstance(scheme, Mapping) and scheme.get("type") == "apiKey":
            place, name = str(scheme.get("in")), str(scheme.get("name"))
            out.add((place, name.lower() if place == "header" else name))
    return out


# --- places of an exchange -----------------------------------------------------------------------------------------


def _headers(headers: Headers, censor: _Censor, named: set[tuple[str, str]], places: list[str]) -> Headers:
    out = []
    for name, value in headers:
        lower = name.lower()
        if lower == "cookie":
            masked = "; ".join(_cookie(pair, censor) for pair in value.split(";") if pair.strip())
        elif lower == "set-cookie":
            first, *rest = value.split(";")
            masked = ";".join([_cookie(first, censor), *(censor.text(attribute) for attribute in rest)])
        elif lower in ("authorization", "proxy-authorization"):
            scheme, gap, credential = value.strip().partition(" ")
            if gap:
                censor.secret(value)
                censor._remember(credential.strip())
                masked = f"{scheme} {MASK}"
            else:
                masked = censor.secret(value) and MASK
        elif ("header", lower) in named or (censor.named(name) and lower not in _HARMLESS):
            masked = censor.secret(value)
        else:
            masked = censor.text(value, name=name)
        if masked != value:
            places.append(f"header:{lower}")
        out.append((name, masked))
    return tuple(out)


# Headers whose names sound secret and whose values are lists of names or cache keys.
_HARMLESS = frozenset({"access-control-allow-credentials", "sec-websocket-key-hint"})


def _cookie(pair: str, censor: _Censor) -> str:
    name, equals, value = pair.strip().partition("=")
    if not equals:
        return censor.secret(name) and MASK
    censor.secret(value.strip('"'))
    return f"{name}={MASK if value else ''}"


def _form(query: str, censor: _Censor, secret: Callable[[str], bool], place: str, places: list[str]) -> str:
    out = []
    for pair in re.split("(&)", query):
        name, equals, value = pair.partition("=")
        plain_name, plain = unquote_plus(name), unquote_plus(value)
        clean_name = censor.text(plain_name)
        clean = censor.secret(plain) if equals and secret(plain_name) else censor.text(plain, name=plain_name)
        if clean_name != plain_name or clean != plain:
            places.append(f"{place}{clean_name}")
            # Brackets and @ stay as they are, so that a masked value reads as one.
            pair = f"{_quote(clean_name) if clean_name != plain_name else name}{equals}{_quote(clean)}"
        out.append(pair)
    return "".join(out)


def _quote(value: str) -> str:
    return "".join(
        char if re.match(r"[\w.~@\[\]:/,!*()$-]", char, re.ASCII) else "".join(f"%{byte:02X}" for byte in _utf8(char))
        for char in value
    )


def _utf8(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")


def _url(url: str, censor: _Censor, named: set[tuple[str, str]], template: str | None, places: list[str]) -> str:
    rest, hash_, fragment = url.partition("#")
    path, mark, query = rest.partition("?")
    filled = _filled(path, template)
    segments = []
    # In the absolute form the authority comes first; it is no segment.
    origin = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://[^/]*", path)
    lead = origin.group() if origin else ""
    clean_lead = censor.text(lead)
    if clean_lead != lead:
        places.append("url:userinfo")
    for index, segment in enumerate(path[len(lead) :].split("/")):
        plain = unquote(segment)
        matrix = ";".join(
            f"{n}={censor.secret(v)}" if e and (censor.named(n) or ("path", n) in named) else n + e + v
            for n, e, v in (part.partition("=") for part in plain.split(";"))
        )
        names = filled.get(index, [])
        if any(censor.named(name) or ("path", name) in named for name in names):
            clean = censor.secret(plain)
        else:
            clean = censor.text(matrix, name=names[0] if len(names) == 1 else "")
        if clean != plain:
            places.append(f"path:{index}")
            segment = _quote(clean).replace("/", "%2F")
        segments.append(segment)
    out = clean_lead + "/".join(segments)
    if mark:
        out += "?" + _form(query, censor, lambda name: censor.named(name) or ("query", name) in named, "query:", places)
    if hash_:
        clean = censor.text(unquote(fragment))
        if clean != unquote(fragment):
            places.append("url:fragment")
            fragment = _quote(clean)
        out += "#" + fragment
    return out


def _filled(path: str, template: str | None) -> dict[int, list[str]]:
    """By index of a segment the path parameters that it fills; aligned at the end (base paths)."""
    if not template:
        return {}
    declared, sent = template.split("/"), path.split("/")
    return {
        len(sent) - back: re.findall(r"\{([^{}]+)\}", declared[-back])
        for back in range(1, min(len(declared), len(sent)) + 1)
    }


@dataclass(frozen=True, slots=True)
class _Body:
    text: str | None
    masked: tuple[str, ...] = ()


_BINARY = ("image/", "audio/", "video/", "font/", "model/")


def _body(
    body: bytes | None,
    content_type: str | None,
    censor: _Censor,
    schema: Mapping[str, Any] | None,
    limit: int,
    focus: str | None,
) -> _Body:
    if not body:
        return _Body(None)
    media = media_type(content_type)
    places: list[str] = []
    if media == "multipart/form-data" or (media or "").startswith("multipart/"):
        parts = _multipart(body, content_type or "", censor, schema, places)
        if parts is not None:
            return _Body(_cut(parts, limit), _places(places))
    decoded = _decode(body, content_type)
    if decoded is None or ((media or "").startswith(_BINARY) and not (media or "").endswith("+xml")):
        return _Body(f"[{len(body):,} bytes of {media or 'unknown type'}]")
    if is_json(media) or decoded.lstrip()[:1] in ("{", "[", '"'):
        shown = _json(decoded, censor, schema, limit, focus, places)
        if shown is not None:
            return _Body(shown, _places(places))
    if media == "application/x-www-form-urlencoded":
        members = _expand([schema], censor.root) if schema else []

        def secret(name: str) -> bool:
            return censor.named(name) or any(map(_marked, _expand(_members(members, name), censor.root)))

        return _Body(_cut(_form(decoded, censor, secret, "/", places), limit), _places(places))
    clean = censor.text(decoded, lines=True)
    return _Body(_cut(clean, limit), ("body:",) if clean != decoded else ())


def _places(pointers: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"body:{pointer}" for pointer in pointers))


def _decode(body: bytes, content_type: str | None) -> str | None:
    """The body as text; None if it is none."""
    charset = re.search(r"(?i)charset\s*=\s*\"?([\w.:-]+)", content_type or "")
    for bom, name in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if body.startswith(bom):
            return body.decode(name, "replace")
    if charset:
        try:
            codec = codecs.lookup(charset[1])
            # Only text codecs: `charset=zlib` names one that turns bytes into bytes.
            decoded = codec.decode(body, "replace")[0]
        except (LookupError, ValueError):
            decoded = None
        if isinstance(decoded, str) and "\0" not in decoded:
            return decoded
    try:
        text = body.decode()
    except UnicodeDecodeError:
        media = media_type(content_type) or ""
        if not (media.startswith("text/") or is_json(media) or media.endswith(("xml", "urlencoded", "yaml"))):
            return None
        text = body.decode("utf-8", "replace")
    return None if "\0" in text else text


def _multipart(
    body: bytes, content_type: str, censor: _Censor, schema: Mapping[str, Any] | None, places: list[str]
) -> str | None:
    boundary = re.search(r"(?i)boundary=(?:\"([^\"]+)\"|([^\s;,]+))", content_type)
    if not boundary:
        return None
    line = "--" + (boundary[1] or boundary[2])
    chunks = body.split(line.encode("utf-8", "replace"))
    if len(chunks) < 2:
        return None
    members = _expand([schema], censor.root) if schema else []
    shown = []
    for index, chunk in enumerate(chunks[1:]):
        if chunk.startswith(b"--"):
            break
        head, _, content = chunk.lstrip(b"\r\n").partition(b"\r\n\r\n")
        head_text = head.decode("utf-8", "replace")
        name = (re.search(r"(?i)\bname=\"?([^\";\r\n]*)", head_text) or [None, str(index)])[1]
        plain = unquote(name or "")
        own_type = (re.search(r"(?im)^content-type:\s*([^\r\n]+)", head_text) or [None, None])[1]
        content = content.removesuffix(b"\r\n")
        below = _expand(_members(members, plain), censor.root)
        clean_head = censor.text(head_text)
        at = f"/{escape(censor.text(plain))}"
        if clean_head != head_text:
            places.append(at)
        if censor.named(plain) or any(map(_marked, below)):
            decoded = _decode(content, own_type)
            clean = censor.secret(decoded) if decoded is not None else MASK
            places.append(at)
        else:
            part = _body(content, own_type, censor, below[0] if below else None, 1 << 30, None)
            clean = part.text or ""
            places.extend(at + place.removeprefix("body:") for place in part.masked)
        shown.append(f"{line}\r\n{clean_head}\r\n\r\n{clean}\r\n")
    # What stands before the first boundary and after the last is to be ignored (RFC 2046, 5.1.1), and is not shown.
    return "".join(shown) + line + "--"


# --- JSON in and out -----------------------------------------------------------------------------------------------


def _json(
    text: str,
    censor: _Censor,
    schema: Mapping[str, Any] | None,
    limit: int,
    focus: str | None,
    places: list[str],
) -> str | None:
    """The document masked and shortened; None if it is none, or nested too deep to be read."""
    try:
        masked, twice = _masked_json(text, censor, schema, places)
        # Where a member is named twice, the text holds a value that the parsed document does not.
        if not places and not twice and len(text) <= limit:
            return text
        # Only its white space could make a longer text fit, and there is never that much of it.
        whole = _write(masked) if len(text) <= 8 * limit else None
        return whole if whole is not None and len(whole) <= limit else _shorten(masked, limit, _steps(masked, focus))
    except (ValueError, RecursionError):
        del places[:]
        return None


def _masked_json(text: str, censor: _Censor, schema: Mapping[str, Any] | None, places: list[str]) -> tuple[Any, bool]:
    """The document masked; a large body that shows many findings is masked once, and shortened for each of them."""
    key = (censor.known, text, id(schema))
    if censor.memo is not None and key in censor.memo:
        masked, at, twice, found = censor.memo[key]
        places.extend(at)
        censor.found.update(found)
        return masked, twice
    before = frozenset(censor.found)
    value, twice = _read(text)
    at_first: list[str] = []
    masked = censor.json(value, [schema] if schema else [], "", False, at_first)
    places.extend(at_first)
    if censor.memo is not None:
        censor.memo[key] = (masked, tuple(at_first), twice, frozenset(censor.found - before))
    return masked, twice


def _read(text: str) -> tuple[Any, bool]:
    """The JSON document, numbers as they are written; and whether an object names a member twice."""
    twice = False

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twice
        out = dict(pairs)
        twice = twice or len(out) != len(pairs)
        return out

    value = json.loads(text, object_pairs_hook=members, parse_int=_Number, parse_float=_Number, parse_constant=_Number)
    return value, twice


def _write(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{_string(key)}:{_write(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_write, value)) + "]"
    if isinstance(value, _Number):
        return value.literal
    return _string(value) if isinstance(value, str) else json.dumps(value)


def _string(value: str) -> str:
    written = json.dumps(value, ensure_ascii=False)
    return re.sub("[\ud800-\udfff\x7f-\x9f\u2028\u2029]", lambda m: f"\\u{ord(m.group()):04x}", written)


def _steps(value: Any, focus: str | None) -> tuple[str | int, ...]:
    """The keys and indices that lead to the focus, as far as the value goes; `*` is the first item that leads on."""
    tokens = [unescape(token) for token in focus.split("/")[1:]] if focus and focus.startswith("/") else []
    return _walk(value, tokens)


def _walk(value: Any, tokens: Sequence[str]) -> tuple[str | int, ...]:
    if not tokens:
        return ()
    token, rest = tokens[0], tokens[1:]
    if isinstance(value, dict) and token in value:
        return (token, *_walk(value[token], rest))
    if isinstance(value, list) and value:
        if token.isdigit() and int(token) < len(value):
            return (int(token), *_walk(value[int(token)], rest))
        if token == "*":
            best: tuple[str | int, ...] = ()
            for index, item in enumerate(value[:100]):
                path = (index, *_walk(item, rest))
                if len(path) > len(best):
                    best = path
                if len(best) == len(tokens):
                    break
            return best
    return ()


def _shorten(value: Any, limit: int, path: tuple[str | int, ...]) -> str:
    text = ""
    for width, length, depth in (
        (40, 800, 8), (20, 400, 6), (12, 200, 5), (8, 120, 4), (5, 80, 3), (3, 60, 2), (2, 40, 2), (1, 24, 2), (1, 24, 1), (0, 12, 0),
    ):  # fmt: skip
        text = _write(_prune(value, path, width, length, depth, True))
        if len(text) <= limit:
            return text
    return _cut(text, limit)


def _prune(value: Any, path: tuple[str | int, ...], width: int, length: int, depth: int, on: bool) -> Any:
    """The value with at most `width` members or items beside the path, and `depth` levels off it."""
    if isinstance(value, str):
        return value if len(value) <= length else value[: max(1, length - 1)] + "…"
    if not isinstance(value, dict | list) or not value:
        return value
    if not on and depth <= 0:
        return "…"
    step = path[0] if on and path else None
    keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
    near = keys.index(step) if step is not None else 0
    first = max(0, min(near - width // 2, len(keys) - width))
    kept = set(keys[first : first + width]) | ({step} if step is not None else set())

    def below(key: Any) -> Any:
        here = on and key == step
        return _prune(value[key], path[1:] if here else (), width, length, depth - (not here), here)

    if isinstance(value, dict):
        out = {key: below(key) for key in keys if key in kept}
        left = len(keys) - len(out)
        return {**out, "…": f"{left} more"} if left else out
    items: list[Any] = []
    run = 0
    for key in keys:
        if key in kept:
            items += [f"… {run} more"] if run else []
            items.append(below(key))
            run = 0
        else:
            run += 1
    return items + ([f"… {run} more"] if run else [])


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: max(0, limit - 1)] + "…"


# --- the door ------------------------------------------------------------------------------------------------------


Memo = dict[tuple[tuple[str, ...], str, int], tuple[Any, tuple[str, ...], bool, frozenset[str]]]
"""JSON bodies that are masked already: by secrets, text and schema the value, its places, and what was found."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What the document says of an exchange: the schemas of its bodies, its parameters and its path."""

    request: Mapping[str, Any] | None = None
    response: Mapping[str, Any] | None = None
    parameters: Sequence[Mapping[str, Any]] = ()
    template: str | None = None


def masked(
    exchange: Exchange,
    *,
    root: Mapping[str, Any] | None = None,
    request_schema: Mapping[str, Any] | None = None,
    response_schema: Mapping[str, Any] | None = None,
    parameters: Sequence[Mapping[str, Any]] = (),
    before: Sequence[Exchange] = (),
    before_declared: Sequence[Declared] = (),
    limit: int = 2048,
    sent_limit: int | None = None,
    extra: Collection[str] = (),
    known: Collection[str] = (),
    focus: str | None = None,
    template: str | None = None,
    memo: Memo | None = None,
) -> tuple[Example, frozenset[str]]:
    """The exchange as it may be shown, and the values that are masked for their name or declaration.

    The example is masked, and its bodies shortened to about `limit` characters, those of requests to `sent_limit` if it
    is given. The values are to be masked in other texts about the exchange too (`text`).

    `root` is the document that `$ref` and security schemes are looked up in; `focus` a JSON Pointer into the response's
    body (the request's, if there is no response), `*` standing for an index; `template` the operation's path, for
    parameters with secret names; `extra` further secret names; `known` values that are secret wherever they stand;
    `before_declared` says of each exchange before what the first arguments say of the last one; `memo` saves work where
    one exchange is shown for several findings.
    """
    names = frozenset(map(_flat, extra))
    said = [*before_declared, *([Declared()] * (len(before) - len(before_declared)))]
    steps = [
        *zip(before, said, strict=True),
        (exchange, Declared(request_schema, response_schema, parameters, template)),
    ]

    limits = (limit if sent_limit is None else sent_limit, limit)

    def show(censor: _Censor) -> Example:
        *earlier, main = [
            _show(each, declared, censor, limits, focus if each is exchange else None) for each, declared in steps
        ]
        return Example(main.request, main.response, main.failure, tuple(earlier))

    first = _Censor(names, _longest_first(known), root, memo=memo)
    shown = show(first)
    secrets = first.found.union(known)
    if first.found:
        shown = show(_Censor(names, _longest_first(secrets), root, memo=memo))
    return shown, frozenset(secrets)


def example(exchange: Exchange, **more: Any) -> Example:
    """The exchange as it may be shown; see `masked`."""
    return masked(exchange, **more)[0]


def secrets(headers: Headers, *, extra: Collection[str] = ()) -> frozenset[str]:
    """The values in headers that are masked for their name, to be masked wherever else they turn up."""
    censor = _Censor(frozenset(map(_flat, extra)))
    _headers(headers, censor, set(), [])
    return frozenset(censor.found)


def text(value: str, *, secrets: Collection[str] = (), extra: Collection[str] = (), name: str = "") -> str:
    """Free text, such as a message or an observed value, with whatever looks secret or personal masked.

    `name` is that of the member or parameter whose value it is, where there is one.

    >>> text("user jo@example.com sent Bearer abc123def456")
    'user redacted@example.invalid sent Bearer [redacted]'
    """
    return _Censor(frozenset(map(_flat, extra)), _longest_first(secrets)).text(value, name=name)


def url(value: str, *, extra: Collection[str] = ()) -> str:
    """A URL with the secrets in its user information, path and query masked."""
    return _url(value, _Censor(frozenset(map(_flat, extra))), set(), None, [])


def _template(exchange: Exchange) -> str | None:
    return (exchange.operation or "").partition(" ")[2] or None


def _longest_first(secrets: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(secrets, key=lambda value: (-len(value), value)))


def _show(
    exchange: Exchange, declared: Declared, censor: _Censor, limits: tuple[int, int], focus: str | None
) -> Example:
    request, response = exchange.request, exchange.response
    named = _parameters(declared.parameters, censor.root)
    template = declared.template or _template(exchange)
    places: list[str] = []
    shown_url = _url(request.url, censor, named, template, places)
    headers = _headers(request.headers, censor, named, places)
    sent = _body(
        request.body,
        header(request.headers, "content-type"),
        censor,
        declared.request,
        limits[0],
        focus if response is None else None,
    )
    shown_request = ExampleRequest(
        request.method, shown_url, headers, sent.text, len(request.body or b""), (*dict.fromkeys(places), *sent.masked)
    )
    shown_response = None
    if response is not None:
        places = []
        headers = _headers(response.headers, censor, named, places)
        media = header(response.headers, "content-type")
        got = _body(response.body, media, censor, declared.response, limits[1], focus)
        shown_response = ExampleResponse(
            response.status, headers, got.text, len(response.body), (*dict.fromkeys(places), *got.masked)
        )
    failure = None if exchange.failure is None else censor.text(exchange.failure)
    return Example(shown_request, shown_response, failure)


def spots(example: Example) -> Iterator[str]:
    """Every masked place, `request ` or `response ` before it."""
    yield from (f"request {place}" for place in example.request.masked)
    if example.response is not None:
        yield from (f"response {place}" for place in example.response.masked)
