"""Renders templates with jinja2, set up as transformers does, and writes goldens/templates.json: cases of a template,
a context and the text or the template's own error.
Command: python3 tests/unit/text/make_template_goldens.py (needs jinja2)."""

import json
import pathlib

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = pathlib.Path(__file__).parent


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    return env


WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather at a place, <now> & later, \"quoted\" – ok",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
    },
}
CALL = {"role": "assistant", "content": "", "tool_calls": [
    {"type": "function", "function": {"name": "weather", "arguments": {"place": "Zürich", "days": 3, "exact": True}}}]}
CHAT = [
    {"role": "system", "content": "  Be brief.\n"},
    {"role": "user", "content": "Why is the sky blue?"},
    {"role": "assistant", "content": "<think>\nLight.\n</think>\n\nScattering."},
    {"role": "user", "content": "And at dusk?\n"},
]
TOOL_CHAT = [CHAT[1], CALL, {"role": "tool", "content": "{\"sun\": 1}"}, {"role": "tool", "content": "21°"}]
PARTS = [{"role": "user", "content": [{"type": "text", "text": "Look: "}, {"type": "image"}, {"type": "text", "text": "nice"}]}]

CHATS = {
    "plain": {"messages": CHAT, "add_generation_prompt": True},
    "no_system": {"messages": CHAT[1:2], "add_generation_prompt": True},
    "not_generating": {"messages": CHAT[:3], "add_generation_prompt": False},
    "tools": {"messages": CHAT[:2], "tools": [WEATHER], "add_generation_prompt": True},
    "tool_results": {"messages": TOOL_CHAT, "tools": [WEATHER, WEATHER], "add_generation_prompt": True},
    "no_thinking": {"messages": CHAT, "add_generation_prompt": True, "enable_thinking": False},
    "parts": {"messages": PARTS, "add_generation_prompt": True},
    "two_users": {"messages": [CHAT[1], CHAT[1]], "add_generation_prompt": True},
    "dated": {"messages": CHAT[1:2], "tools": [WEATHER], "add_generation_prompt": True, "date_string": "26 Jul 2024"},
}

SNIPPETS = {
    "str_methods": "{{ ' ab '.strip() }}|{{ 'xxabxx'.strip('x') }}|{{ 'xxab'.lstrip('x') }}|{{ 'ab\\n'.rstrip('\\n') }}|"
    "{{ 'a,b,c'.split(',')[-1] }}|{{ 'a b  c'.split() }}|{{ 'a</t>b'.split('</t>')[0] }}|{{ 'abc'.startswith('ab') }}|"
    "{{ 'abc'.endswith('bc') }}|{{ 'aXbX'.replace('X', '-') }}|{{ 'abc'.upper() }}{{ 'ABC'.lower() }}|"
    "{{ 'hello world'.title() }}|{{ 'hello'.capitalize() }}|{{ 'a-b-c'.split('-', 1) }}|{{ 'abcabc'.find('c') }}",
    "filters": "{{ ' x '|trim }}|{{ [1,2]|join(', ') }}|{{ [1,2]|length }}|{{ nothing|default('d') }}|"
    "{{ ''|default('d', true) }}|{{ 'aB'|upper }}{{ 'aB'|lower }}|{{ 'ab'|capitalize }}|{{ [3,1,2]|sort|join }}|"
    "{{ [1,2,3]|first }}{{ [1,2,3]|last }}|{{ {'b':1,'a':2}|dictsort }}|{{ 'abab'|replace('a','x') }}|{{ 3|string ~ 'x' }}|"
    "{{ '7'|int + 1 }}|{{ 'abc'|list }}|{{ [1,1,2]|unique|list }}|{{ 'x'|safe }}|{{ -3|abs }}|{{ 'a b'|title }}",
    "select": "{% set m = [{'r':'a','n':1},{'r':'b','n':2},{'r':'a'}] %}{{ m|selectattr('r','equalto','a')|list|length }}|"
    "{{ m|rejectattr('r','equalto','a')|map(attribute='n')|list }}|{{ m|selectattr('n','defined')|map(attribute='n')|join('+') }}"
    "|{{ [1,none,2]|reject('none')|list }}|{{ [1,2,3,4]|select('even')|list }}|{{ m|map(attribute='r')|join('/') }}",
    "tests": "{{ x is defined }}{{ m is defined }}|{{ 'a' is string }}{{ 1 is string }}|{{ {} is mapping }}{{ [] is mapping }}|"
    "{{ [] is sequence }}{{ 'a' is sequence }}{{ {} is sequence }}{{ 1 is sequence }}|{{ [] is iterable }}{{ 'a' is iterable }}"
    "{{ 1 is iterable }}|{{ none is none }}{{ true is boolean }}{{ 1 is number }}{{ 2 is even }}{{ 1.5 is float }}"
    "{{ 1 is integer }}{{ true is true }}{{ false is false }}|{{ 'a' in 'abc' }}{{ 'k' in {'k':1} }}{{ 2 not in [1] }}|"
    "{{ x is undefined }}{{ none is not none }}{{ 'a' is not string }}",
    "loops": "{% for x in [1,2,3] %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}"
    "{{ loop.revindex }}{% if loop.previtem is defined %}p{{ loop.previtem }}{% endif %}"
    "{% if loop.nextitem is defined %}n{{ loop.nextitem }}{% endif %};{% endfor %}|{% for x in [] %}x{% else %}none{% endfor %}|"
    "{% for x in [1,2,3,4] %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 4 %}{% break %}{% endif %}{{ x }}{% endfor %}|"
    "{% for k, v in {'b':1,'a':[2]}.items() %}{{ k }}={{ v }};{% endfor %}|{% for x in [1,2,3] if x != 2 %}{{ x }}{{ loop.last }}"
    "{% endfor %}|{% for i in range(3, 0, -1) %}{{ i }}{% endfor %}|{% for k in {'z':1,'y':2} %}{{ k }}{% endfor %}"
    "|{% for a, b in [(1,2),(3,4)] %}{{ a + b }} {% endfor %}",
    "slices": "{% set l = [0,1,2,3] %}{{ l[1:] }}{{ l[:2] }}{{ l[-1] }}{{ l[::-1] }}{{ l[1:-1] }}{{ l[::2] }}|"
    "{{ 'hello'[1:3] }}{{ 'hello'[-1] }}{{ 'hello'[::-1] }}|{{ 'é中x'[1] }}|{{ l[9:] }}",
    "scope": "{% set ns = namespace(found=false, n=0) %}{% for x in [1,2] %}{% set ns.found = true %}{% set ns.n = ns.n + x %}"
    "{% set y = x %}{% endfor %}{{ ns.found }}{{ ns.n }}{{ y is defined }}|{% set a %}b{{ 1 }}c{% endset %}{{ a }}|"
    "{% set x, z = 1, 2 %}{{ x }}{{ z }}|{% with q = 3 %}{{ q }}{% endwith %}{{ q is defined }}"
    "|{% set ns.s %}block{% endset %}{{ ns.s }}",
    "macros": "{% macro m(a, b='x', c=none) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, c=2) }}{{ m(a=3, b=4) }}|"
    "{%- macro rec(v, d=0) %}{% if v is mapping %}{% for k, w in v|items %}{{ '  ' * d }}{{ k }}:{{ rec(w, d + 1) }};{% endfor %}"
    "{% else %}{{ v }}{% endif %}{% endmacro %}{{ rec({'a': {'b': 1, 'c': {'d': 'e'}}}) }}"
    "|{% macro outer() %}<{{ caller() }}>{% endmacro %}{% call outer() %}in{% endcall %}",
    "print": "{{ none }}{{ true }}{{ 1.0 }}{{ 1.5 }}{{ [1, 'a', none, true] }}{{ {'k': 'v', 'n': [1.5]} }}{{ (1, 2) }}{{ \"it's\" }}"
    "{{ [\"it's\"] }}{{ undefined_thing }}{{ [] }}{{ {} }}{{ ['a\\nb'] }}",
    "math": "{{ 7 // 2 }}{{ 7 % 3 }}{{ 2 ** 3 }}{{ 7 / 2 }}{{ 1 + 2 * 3 }}{{ -7 // 2 }}|{{ 1 < 2 < 3 }}{{ 'a' ~ 1 ~ none }}|"
    "{{ 'ab' * 2 }}{{ [1] + [2] }}|{{ 1 if false }}{{ 1 if true else 2 }}|{{ not false and true or false }}|{{ 'a' == 'a' != 'b' }}",
    "tojson": "{{ v|tojson }}\n{{ v|tojson(indent=2) }}\n{{ v|tojson(ensure_ascii=true) }}\n{{ v|tojson(separators=(',', ':')) }}\n"
    "{{ v|tojson(sort_keys=true) }}\n{{ []|tojson(indent=2) }}{{ {}|tojson(indent=4) }}{{ {'a':[]}|tojson(indent=4) }}",
    "blanks": "  {% if true %}  \n  a\n  {% endif %}\n{%- if true -%}\n  b  \n{%- endif -%}\n  c {{- ' d ' -}} e\n  {# note #}\nf\n",
    "undefined": "{{ m.nothing }}|{{ m['nothing'] }}|{{ (m.nothing or 'x') }}|{% if m.nothing %}y{% else %}n{% endif %}|"
    "{{ m.get('nothing') }}|{{ m.get('nothing', 'd') }}|{{ m.get('k') }}|{{ m.k }}",
    "raise": "a{{ raise_exception('Roles must alternate: ' ~ m.k) }}",
    "none_concat": "{{ 'a' + none }}",
    "undefined_attribute": "{{ nothing.more }}",
    "missing_key_call": "{{ m.absent() }}",
    "comments": "a{# b {{ c }} #}d{#- e -#} f",
    "raw": "{% raw %}{{ x }}{% endraw %}",
    "filter_block": "{% filter upper %}abc{% endfilter %}",
    "escapes": "{{ 'a\\tb\\\\n\\'q\\'' }}{{ \"\\u00e9\" }}",
    "dict_methods": "{{ m.keys()|list }}{{ m.values()|list }}{{ m.items()|list }}{{ m|length }}{{ 'k' in m }}{{ m|items|list }}",
    "html": "{{ '<a href=\"x\">&' }}{{ ['<']|tojson }}{{ '<'|upper }}",
}
VALUE = {
    "s": "a\"b\\c\n\t\b\f\u0001é中😀</x>&'", "n": None, "t": True, "i": -5, "f": 1.0, "g": 0.1, "big": 1e20, "tiny": 1e-7,
    "long": 12345678901234567890, "l": [1, [], {}], "o": {"b": 1, "a": {"z": [None]}},
}


def render(env, source, context):
    try:
        return {"text": env.from_string(source).render(**context)}
    except Exception as error:  # noqa: BLE001: any refusal is a result
        return {"error": str(error) if type(error) is jinja2.exceptions.TemplateError else ""}


def main():
    env = environment()
    cases = []
    for path in sorted((HERE / "templates").glob("*.jinja")):
        for name, chat in CHATS.items():
            context = {"bos_token": "<s>", "eos_token": "</s>", **chat}
            cases.append({"name": f"{path.stem}.{name}", "file": path.name, "context": context,
                          **render(env, path.read_text(encoding="utf-8"), context)})
    for name, source in SNIPPETS.items():
        context = {"v": VALUE, "m": {"k": "v", "k2": [1]}}
        cases.append({"name": name, "source": source, "context": context, **render(env, source, context)})
    lines = ",\n".join(json.dumps(case) for case in cases)
    (HERE / "goldens" / "templates.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


main()
