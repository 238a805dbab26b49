"""Texts that have broken stores before; each must come back as it went in."""

TEXTS = {
    "plain": "A question",
    "beyond the basic plane": "🤖 \U0001d518\U0001d52b 👩🏽\u200d🚀",
    "combining": "e\u0301 is not é",
    "right to left": "שלום \u202e עולם",
    "separators": "a\u2028b\u2029c\u0085d\ufeff",
    "controls": "".join(map(chr, range(1, 32))) + "\x7f",
    "the words of an array": 'NULL,{"a"},{},\\,"',
    "quotes": "'; DROP TABLE chatcore.turn; -- $1 %s %(x)s $$",
    "blank edges": " \t text \n",
    "noncharacters": "\ufffe\uffff\U0010ffff",
    "long": "長い" * 16_000,
}
