#include "server/page/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace engine {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(Page, IsInTheProgramWhole) {
  EXPECT_THAT(std::string(PageHtml()), StartsWith("<!DOCTYPE html>\n"));
  EXPECT_THAT(std::string(PageHtml()), EndsWith("</html>\n"));
}

TEST(Page, NamesNoOtherServer) {
  EXPECT_THAT(std::string(PageHtml()), Not(HasSubstr("http:")));
  EXPECT_THAT(std::string(PageHtml()), Not(HasSubstr("https:")));
}

}  // namespace
}  // namespace engine
