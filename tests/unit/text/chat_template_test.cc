#include "text/chat_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "absl/strings/str_cat.h"
#include "tests/unit/text/goldens.h"

namespace engine {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;

absl::StatusOr<std::string> Render(std::string_view source, const Json& context = Json::object()) {
  ASSIGN_OR_RETURN(const auto chat_template, ChatTemplate::Compile(source));
  return chat_template->Render(context);
}

std::string ErrorOf(std::string_view source, const Json& context = Json::object()) {
  const auto text = Render(source, context);
  EXPECT_FALSE(text.ok()) << source.substr(0, 200);
  return std::string(text.status().message());
}

TEST(ChatTemplate, RendersWhatJinja2Renders) {
  for (const Json& golden : ReadGoldens("templates.json")) {
    const std::string source = golden.contains("file") ? ReadText("templates/" + golden["file"].get<std::string>())
                                                       : golden["source"].get<std::string>();
    const auto text = Render(source, golden["context"]);
    if (golden.contains("text")) {
      EXPECT_EQ(text.value_or(text.status().ToString()), golden["text"].get<std::string>()) << golden["name"];
    } else {
      EXPECT_FALSE(text.ok()) << golden["name"] << ": " << *text;
      EXPECT_THAT(std::string(text.status().message()), HasSubstr(golden["error"].get<std::string>()));
    }
  }
}

TEST(ChatTemplate, NamesTheLineOfAnError) {
  EXPECT_THAT(ErrorOf("a\nb\n{% if %}"), HasSubstr("line 3 of the chat template"));
  EXPECT_THAT(ErrorOf("a\n{{ x.y.z }}"), HasSubstr("line 2 of the chat template"));
  EXPECT_THAT(ErrorOf("{{ x|nofilter }}"), HasSubstr("nofilter"));
  EXPECT_THAT(ErrorOf("\xff"), HasSubstr("not valid UTF-8"));
}

// They mark what a model is trained on (transformers), and print what is between them.
TEST(ChatTemplate, ReadsTheTagsOfGenerations) {
  const auto text = Render(
      "{% for x in [1, 2] %}\n a {%- generation -%} {% set y = '%}' + x|string %} b{{ y }} "
      "{%-endgeneration+%}\n{{ 'y' if y is defined else '-' }}{% endfor %}");
  EXPECT_EQ(text.value_or(text.status().ToString()), " a b%}1\n- a b%}2\n-");
  EXPECT_THAT(ErrorOf("a\n{% generation %}"), HasSubstr("line 2 of the chat template"));
}

TEST(ChatTemplate, LeavesTheTagsOfGenerationsInTexts) {
  const auto text = Render(
      "{{ '}}{% generation %}' }}{# '{% generation %} #}{% set x = \"\\\"{% generation %}\" %}{{ x }}"
      "{%- raw -%} {% generation %} {%- endraw %}{{ {'a': {'generation': 3}}['a'].generation }}");
  EXPECT_EQ(text.value_or(text.status().ToString()), "}}{% generation %}\"{% generation %}{% generation %}3");
}

TEST(ChatTemplate, PassesItsOwnRefusalOn) {
  EXPECT_THAT(ErrorOf("{{ raise_exception('only users') }}"), HasSubstr("only users"));
}

TEST(ChatTemplate, FormatsTheDate) {
  const auto text = Render("{{ strftime_now('%Y-%m-%d|%d %b %Y|%B|%%') }}");
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_THAT(*text, ::testing::MatchesRegex("2...-..-..\\|.. ... 2...\\|[A-Z][a-z]+\\|%"));
  EXPECT_THAT(ErrorOf("{{ strftime_now('%Q') }}"), HasSubstr("%Q"));
}

TEST(ChatTemplate, RefusesTextThatIsNotUtf8) {
  EXPECT_THAT(ErrorOf("{{ x }}", {{"x", {"é", "a\xff"}}}), HasSubstr("byte 1 is 0xff"));
  EXPECT_THAT(ErrorOf("{{ x }}", {{"x", {{"\xc3", 1}}}}), HasSubstr("byte 0 is 0xc3"));
}

TEST(ChatTemplate, StopsLoopsThatNeverEnd) {
  const std::string huge = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}";
  EXPECT_THAT(ErrorOf(huge), HasSubstr("more steps"));
  EXPECT_THAT(ErrorOf("{% macro f(n) %}{{ f(n + 1) }}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}"), HasSubstr("recursion"));
}

TEST(ChatTemplate, StopsMemoryBombs) {
  const std::string doubling_list = "{% set x = [1] %}" + [] {
    std::string text;
    for (int i = 0; i < 60; ++i) text += "{% set x = [x, x] %}";
    return text;
  }();
  for (const std::string& source : std::initializer_list<std::string>{
           "{{ 'x' * 1000000000 }}",
           "{{ 'x' * 100000000 }}",
           "{{ (['x'] * 100000000)|join }}",
           "{{ range(1000000000)|list }}",
           "{{ 'x'|indent(1000000000) }}",
           "{{ '%999999999d' % 1 }}",
           "{{ '%999999999d'|format(1) }}",
           "{{ 'x'|center(1000000000) }}",
           "{{ '{:>1000000000}'.format('x') }}",
           "{{ '{:{}}'.format('x', 1000000000) }}",
           "{{ 10 ** 10 ** 10 ** 10 }}",
           "{{ [[[1]]]|tojson(indent=1000000000) }}",
           "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
           "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(99) %}{% set ns.x = ns.x.replace('a', ns.x) %}{% "
           "endfor %}",
           "{% set ns = namespace(x='a') %}{% for i in range(99) %}{% set ns.x %}{{ ns.x }}{{ ns.x }}{% endset %}{% "
           "endfor %}",
           "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}",
           "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
           "{% set ns = namespace(x={}) %}{% for i in range(99) %}{% set ns.x = {'a': ns.x, 'b': ns.x} %}{% endfor "
           "%}{{ ns }}",
           doubling_list + "{{ x }}",
           doubling_list + "{{ x|tojson }}",
           doubling_list + "{{ x == x }}",
           doubling_list + "{{ x ~ '' }}",
       }) {
    EXPECT_FALSE(Render(source).ok()) << source.substr(0, 200);
  }
}

TEST(ChatTemplate, StopsComparisonsThatTakeForever) {
  const std::string loop = "{% for i in range(99999) %}{% if a == b %}{% endif %}{% endfor %}";
  EXPECT_THAT(ErrorOf("{% set a = 'a' * 2000000 %}{% set b = 'a' * 2000000 %}" + loop), HasSubstr("more steps"));
  EXPECT_THAT(ErrorOf("{% set a = 'a' * 2000000 %}{% set b = 'a' * 2000000 %}{% for i in range(99999) %}"
                      "{% if b in a %}{% endif %}{% endfor %}"),
              HasSubstr("more steps"));
}

TEST(ChatTemplate, RefusesANamespaceInsideANamespace) {
  for (const char* source : {"{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}",
                             "{% set ns = namespace() %}{% set ns.a = [ns] %}{{ ns|tojson }}",
                             "{% set ns = namespace() %}{% set ns.a, b = {'x': [ns]}, 1 %}{{ ns == ns }}",
                             "{% set a = namespace() %}{% set b = namespace() %}{% set a.b = b %}{% set b.a = a %}",
                             "{% set ns = namespace() %}{% set ns.a|default(ns, true) %}{% endset %}{{ ns }}"}) {
    EXPECT_THAT(ErrorOf(source), HasSubstr("a namespace cannot be stored in a namespace")) << source;
  }
}

TEST(ChatTemplate, SurvivesDeepNesting) {
  std::string nested = "{% set x = 1 %}";
  while (nested.size() < 250000) nested += "{% set x = " + std::string(40, '[') + "x" + std::string(40, ']') + " %}";
  EXPECT_FALSE(Render(nested + "{{ x|tojson|length }}{{ x == x }}{{ (x ~ '')|length }}").ok());
  EXPECT_FALSE(
      Render("{% set ns = namespace(x=1) %}{% for i in range(99999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns }}")
          .ok());
  EXPECT_FALSE(Render("{{ " + std::string(100000, '(') + " }}").ok());
  EXPECT_FALSE(Render("{{ " + std::string(100000, '[') + " }}").ok());
  static_cast<void>(Render("{{ " + std::string(100000, '-') + "1 }}"));
  std::string ifs;
  for (int i = 0; i < 10000; ++i) ifs += "{% if x %}";
  EXPECT_FALSE(Render(ifs).ok());
  std::string chain = "{{ 1";
  for (int i = 0; i < 50000; ++i) chain += "+1";
  static_cast<void>(Render(chain + " }}"));
  std::string attributes = "{{ x";
  for (int i = 0; i < 50000; ++i) attributes += ".a";
  static_cast<void>(Render(attributes + " }}"));
  std::string filters = "{{ 'x'";
  for (int i = 0; i < 30000; ++i) filters += "|trim";
  static_cast<void>(Render(filters + " }}"));
  std::string elifs = "{% if x %}";
  for (int i = 0; i < 15000; ++i) elifs += "{% elif x %}";
  static_cast<void>(Render(elifs + "{% endif %}"));
  std::string ands = "{{ 1";
  for (int i = 0; i < 30000; ++i) ands += " and 1";
  static_cast<void>(Render(ands + " }}"));
}

TEST(ChatTemplate, RefusesContextsNestedBeyondItsLimit) {
  Json deep = 1;
  for (int i = 0; i < 99; ++i) deep = Json::array({deep});
  EXPECT_TRUE(Render("{{ x|tojson }}", {{"x", deep}}).ok());
  for (int i = 0; i < 10; ++i) deep = Json::array({deep});
  EXPECT_THAT(ErrorOf("{{ x }}", {{"x", deep}}), HasSubstr("more than 100 deep"));
}

TEST(ChatTemplate, RefusesSourcesBeyondItsLimit) {
  EXPECT_THAT(ErrorOf(std::string((1 << 18) + 1, 'a')), HasSubstr("at most 262144 are read"));
}

TEST(ChatTemplate, RendersLongConversations) {
  Json messages = Json::array();
  for (int i = 0; i < 3000; ++i) {
    messages.push_back({{"role", "user"}, {"content", "hi"}});
    messages.push_back({{"role", "assistant"}, {"content", "<think>a</think>b"}});
  }
  const Json context = {{"messages", messages}, {"bos_token", ""}, {"eos_token", ""}};
  for (const char* name : {"chatml", "llama3", "qwen3", "mistral", "gemma"}) {
    const auto text = Render(ReadText(absl::StrCat("templates/", name, ".jinja")), context);
    EXPECT_TRUE(text.ok()) << name << ": " << text.status();
  }
}

TEST(ChatTemplate, SurvivesBrokenSources) {
  std::mt19937 random(9);
  for (const char* name : {"llama3", "qwen3", "mistral", "gemma"}) {
    const std::string source = ReadText(absl::StrCat("templates/", name, ".jinja"));
    const Json context = {{"messages", {{{"role", "user"}, {"content", "x"}}}}, {"tools", Json::array({1})}};
    for (int round = 0; round < 60; ++round) {
      static_cast<void>(Render(std::string_view(source).substr(0, random() % source.size()), context));
      std::string flipped = source;
      flipped[random() % source.size()] ^= static_cast<char>(1 << random() % 7);
      static_cast<void>(Render(flipped, context));
    }
  }
}

}  // namespace
}  // namespace engine
