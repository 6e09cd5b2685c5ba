#include "cli/answer_printer.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

// What stands on standard output of an answer in these updates.
std::string Printed(bool shows_reasoning, const std::vector<GenerationUpdate>& updates) {
  testing::internal::CaptureStdout();
  AnswerPrinter printer(shows_reasoning);
  for (const GenerationUpdate& update : updates) EXPECT_TRUE(printer.Print(update));
  EXPECT_TRUE(printer.End());
  return testing::internal::GetCapturedStdout();
}

TEST(AnswerPrinter, DimsReasoningOnATerminal) {
  EXPECT_EQ(Printed(true, {{.reasoning = "Hm"}, {.reasoning = "."}, {.text = "Hi"}, {.text = "."}}),
            "\x1b[2mHm.\x1b[0m\n\nHi.\n");
  EXPECT_EQ(Printed(true, {{.text = "Hi", .reasoning = "Hm"}}), "\x1b[2mHm\x1b[0m\n\nHi\n");
}

TEST(AnswerPrinter, EndsTheDimmingOfReasoningThatIsCutOff) {
  EXPECT_EQ(Printed(true, {{.reasoning = "Hm"}}), "\x1b[2mHm\x1b[0m\n");
}

TEST(AnswerPrinter, PrintsOnlyTheAnswerElsewhere) {
  EXPECT_EQ(Printed(false, {{.reasoning = "Hm"}, {.text = "Hi"}}), "Hi\n");
}

}  // namespace
}  // namespace engine
