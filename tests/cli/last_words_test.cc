#include "cli/last_words.h"

#include <gtest/gtest.h>

#include <csignal>
#include <exception>
#include <filesystem>
#include <new>
#include <system_error>

namespace engine {
namespace {

using ::testing::ExitedWithCode;
using ::testing::KilledBySignal;

template <typename Error>
void Throw(const Error& error) {
  throw error;
}

template <typename Error>
void End(const Error& error) noexcept {
  std::set_terminate(SayWhyItEnds);
  Throw(error);
}

std::error_code Code(std::errc error) { return std::make_error_code(error); }

TEST(LastWords, WhatTheSystemLacksEndsInASentence) {
  EXPECT_EXIT(End(std::bad_alloc()), ExitedWithCode(1), "no memory left");
  EXPECT_EXIT(End(std::system_error(Code(std::errc::resource_unavailable_try_again))), ExitedWithCode(1), "a thread");
}

TEST(LastWords, AnyOtherExceptionAborts) {
  const std::filesystem::filesystem_error too_long("status", Code(std::errc::filename_too_long));
  EXPECT_EXIT(End(too_long), KilledBySignal(SIGABRT), "nobody catches: .*File name too long");
  EXPECT_EXIT(End(std::system_error(Code(std::errc::bad_file_descriptor))), KilledBySignal(SIGABRT), "nobody catches");
  EXPECT_EXIT(End(5), KilledBySignal(SIGABRT), "");
}

}  // namespace
}  // namespace engine
