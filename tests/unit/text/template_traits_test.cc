#include "text/template_traits.h"

#include <gtest/gtest.h>

#include "tests/unit/text/goldens.h"

namespace engine {
namespace {

TemplateTraits TraitsOf(std::string_view source) { return FindTraits(**ChatTemplate::Compile(source)); }

constexpr char kCalls[] = "{% for m in messages %}{{ m.content }}{% for c in m.tool_calls %}{{ ";
constexpr char kEnd[] = " }}{% endfor %}{% endfor %}";

TEST(TemplateTraits, ContentThatIsPrintedIsText) {
  const TemplateTraits traits = TraitsOf("{% for m in messages %}{{ m.content }}{% endfor %}");
  EXPECT_TRUE(traits.reads_text);
  EXPECT_FALSE(traits.reads_parts);
}

TEST(TemplateTraits, ContentThatIsWalkedIsParts) {
  const TemplateTraits traits =
      TraitsOf("{% for m in messages %}{% for p in m.content %}{{ p['text'] }}{% endfor %}{% endfor %}");
  EXPECT_FALSE(traits.reads_text);
  EXPECT_TRUE(traits.reads_parts);
}

TEST(TemplateTraits, ContentMayBeBoth) {
  const TemplateTraits traits = TraitsOf(
      "{% for m in messages %}{% if m.content is string %}{{ m.content }}{% else %}{% for p in m.content %}{{ p.text }}"
      "{% endfor %}{% endif %}{% endfor %}");
  EXPECT_TRUE(traits.reads_text);
  EXPECT_TRUE(traits.reads_parts);
}

TEST(TemplateTraits, ATemplateThatRefusesEverythingIsGivenText) {
  EXPECT_TRUE(TraitsOf("{{ raise_exception('no') }}").reads_text);
}

TEST(TemplateTraits, ArgumentsAreTextWhereTheTemplateJoinsThemToText) {
  EXPECT_TRUE(TraitsOf(std::string(kCalls) + "'```' + c.function.arguments + '```'" + kEnd).arguments_are_text);
  EXPECT_FALSE(TraitsOf(std::string(kCalls) + "c.function.arguments | tojson" + kEnd).arguments_are_text);
  EXPECT_FALSE(TraitsOf("{% for m in messages %}{{ m.content }}{% endfor %}").arguments_are_text);
}

}  // namespace
}  // namespace engine
