// Flags from the command line, the environment and a file.
#include "cli/flags.h"

#include <optional>

#include "cli/grammar_flags.h"
#include "cli/usage.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/environment.h"
#include "tests/support/temp_dir.h"

namespace engine {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

// A verb with a flag of every kind.
struct Verb {
  std::string model = "default";
  int max_tokens = 100;
  float temperature = 1;
  bool stream = true;
  std::string format = "text";
  std::optional<uint64_t> seed;
  std::vector<int> sizes = {1};
  std::vector<std::string> stop;
  std::vector<std::pair<int32_t, float>> bias;
  FlagSet flags{"engine test [MODEL]", "Tests."};

  Verb() {
    flags.AddPositional({"--model,-m", "MODEL", "which"}, model);
    flags.Add({"--max-tokens,--predict,-n", "N", "how many"}, max_tokens);
    flags.Add({"--temperature", "X", "how hot"}, temperature);
    flags.Add({"--stream", "", "at once"}, stream);
    flags.AddChoice({"--output,-o", "FORMAT", "how"}, {"text", "json"}, format);
    flags.Add({"--seed,-s", "N", "which"}, seed);
    flags.Add({"--sizes", "N,...", "which"}, sizes);
    flags.Add({"--stop", "TEXT", "where"}, stop);
    flags.Add({"--logit-bias", "ID:X,...", "what"}, bias);
  }

  absl::StatusOr<bool> Parse(std::vector<std::string> arguments) { return flags.Parse(arguments); }

  // The message of a usage error.
  std::string Refusal(std::vector<std::string> arguments) {
    const absl::Status status = Parse(std::move(arguments)).status();
    EXPECT_TRUE(IsUsageError(status)) << status;
    return std::string(Message(status));
  }
};

TEST(Flags, ValuesAreReadFromBothForms) {
  Verb verb;
  ASSERT_TRUE(verb.Parse({"--max-tokens", "7", "--temperature=0.5", "some.gguf"}).ok());
  EXPECT_EQ(verb.max_tokens, 7);
  EXPECT_EQ(verb.temperature, 0.5f);
  EXPECT_EQ(verb.model, "some.gguf");
}

struct ListVerb {
  std::vector<std::string> models = {"default"}, keys, stops;
  FlagSet flags{"engine test [MODEL ...]", "Tests."};

  ListVerb() {
    flags.AddPositional({"--model,-m", "MODEL ...", "which"}, models);
    flags.Add({"--key", "KEY ...", "whose"}, keys);
    flags.Add({"--stop", "TEXT", "where"}, stops);
  }
  absl::Status Parse(std::vector<std::string> arguments) { return flags.Parse(arguments).status(); }
};

TEST(Flags, SeveralValuesMayFollowAFlagOnceTheModelIsNamed) {
  ListVerb verb;
  ASSERT_TRUE(verb.Parse({"a", "--key", "1", "2", "--stop", "x", "--key", "3"}).ok());
  EXPECT_THAT(verb.keys, ElementsAre("1", "2", "3"));
  EXPECT_THAT(verb.models, ElementsAre("a"));
}

TEST(Flags, BeforeTheModelAFlagTakesOneValue) {
  ListVerb verb;
  ASSERT_TRUE(verb.Parse({"--key", "1", "a", "b"}).ok());
  EXPECT_THAT(verb.keys, ElementsAre("1"));
  EXPECT_THAT(verb.models, ElementsAre("a", "b"));
  ListVerb named;
  ASSERT_TRUE(named.Parse({"--model", "a", "--key", "1", "2"}).ok());
  EXPECT_THAT(named.keys, ElementsAre("1", "2"));
}

TEST(Flags, ValuesOfOneFlagAreNotTakenByAnother) {
  ListVerb verb;
  ASSERT_TRUE(verb.Parse({"a", "--key=1", "b", "--stop", "x", "c", "--", "-d"}).ok());
  EXPECT_THAT(verb.keys, ElementsAre("1"));
  EXPECT_THAT(verb.stops, ElementsAre("x"));
  EXPECT_THAT(verb.models, ElementsAre("a", "b", "c", "-d"));
}

TEST(Flags, AbsentOnesKeepTheirDefaults) {
  Verb verb;
  ASSERT_TRUE(verb.Parse({}).ok());
  EXPECT_EQ(verb.max_tokens, 100);
  EXPECT_EQ(verb.seed, std::nullopt);
  EXPECT_THAT(verb.sizes, ElementsAre(1));
}

TEST(Flags, AliasesAreTheSameFlagAndTheLastOneWins) {
  Verb verb;
  ASSERT_TRUE(verb.Parse({"-n", "1", "--predict", "2", "--max-tokens=3"}).ok());
  EXPECT_EQ(verb.max_tokens, 3);
}

TEST(Flags, SwitchIsTurnedOffByNo) {
  Verb off, on, value;
  ASSERT_TRUE(off.Parse({"--no-stream"}).ok());
  EXPECT_FALSE(off.stream);
  ASSERT_TRUE(on.Parse({"--no-stream", "--stream"}).ok());
  EXPECT_TRUE(on.stream);
  ASSERT_TRUE(value.Parse({"--stream=false"}).ok());
  EXPECT_FALSE(value.stream);
}

TEST(Flags, ListsReplaceTheirDefaultAndGrow) {
  Verb verb;
  ASSERT_TRUE(
      verb.Parse({"--sizes", "2,3", "--sizes=4", "--stop", "a,b", "--stop", "c", "--logit-bias", "5:-1.5,6:2"}).ok());
  EXPECT_THAT(verb.sizes, ElementsAre(2, 3, 4));
  EXPECT_THAT(verb.stop, ElementsAre("a,b", "c"));
  EXPECT_THAT(verb.bias, ElementsAre(Pair(5, -1.5f), Pair(6, 2.0f)));
}

TEST(Flags, ValueMayLookLikeAFlag) {
  Verb verb;
  ASSERT_TRUE(verb.Parse({"--stop", "--stream", "-n", "-5", "--", "-model"}).ok());
  EXPECT_THAT(verb.stop, ElementsAre("--stream"));
  EXPECT_EQ(verb.max_tokens, -5);
  EXPECT_EQ(verb.model, "-model");
}

TEST(Flags, UnknownFlagNamesTheNearest) {
  EXPECT_THAT(Verb().Refusal({"--max-token", "5"}), AllOf(HasSubstr("--max-token;"), HasSubstr("mean --max-tokens?")));
  EXPECT_THAT(Verb().Refusal({"--nostream"}), HasSubstr("mean --no-stream?"));
  EXPECT_THAT(Verb().Refusal({"-seed"}), HasSubstr("mean --seed?"));
}

TEST(Flags, NoNameIsSuggestedThatIsNotNear) {
  for (const char* name : {"--no-seed", "-x", "--top-k", "---"}) {
    EXPECT_EQ(Verb().Refusal({name}), std::string("unknown flag ") + name + "; `engine test --help` lists all");
  }
  Verb verb;
  EXPECT_EQ(Message(verb.flags.Set("colour", "red")), "there is no setting colour");
}

// It is not one of the verb's, and says so only to who types it: the environment is shared by all verbs.
TEST(Flags, AHiddenFlagIsReadFromTheCommandLineOnly) {
  const EnvironmentVariable set("ENGINE_HIDDEN_ONE", "1");
  Verb verb;
  const auto refuse = [](const std::string&) { return absl::InvalidArgumentError("is refused"); };
  verb.flags.AddReader({.names = "--hidden-one", .value = "N", .hidden = true}, refuse);
  EXPECT_THAT(verb.flags.Help(), Not(HasSubstr("--hidden-one")));
  EXPECT_EQ(verb.Refusal({"--hidden-onf"}), "unknown flag --hidden-onf; `engine test --help` lists all");
  Verb second;
  second.flags.AddReader({.names = "--hidden-one", .value = "N", .hidden = true}, refuse);
  EXPECT_TRUE(second.Parse({}).ok());
  Verb third;
  third.flags.AddReader({.names = "--hidden-one", .value = "N", .hidden = true}, refuse);
  EXPECT_EQ(third.Refusal({"--hidden-one", "1"}), "--hidden-one is refused");
}

TEST(Flags, BadValuesAreNamedWithTheirFlag) {
  EXPECT_THAT(Verb().Refusal({"-n", "many"}), AllOf(HasSubstr("--max-tokens is 'many'"), HasSubstr("whole number")));
  EXPECT_THAT(Verb().Refusal({"-n", "9999999999"}), HasSubstr("2147483647"));
  EXPECT_THAT(Verb().Refusal({"-n", "1.5"}), HasSubstr("whole number"));
  EXPECT_THAT(Verb().Refusal({"-n", ""}), HasSubstr("''"));
  EXPECT_THAT(Verb().Refusal({"--seed", "-1"}), HasSubstr("from 0"));
  EXPECT_THAT(Verb().Refusal({"--temperature", "1x"}), HasSubstr("must be a number"));
  EXPECT_THAT(Verb().Refusal({"--stream=maybe"}), HasSubstr("true or false"));
  EXPECT_THAT(Verb().Refusal({"-o", "xml"}), HasSubstr("one of text, json"));
  EXPECT_THAT(Verb().Refusal({"--sizes", "1,,2"}), HasSubstr("--sizes is ''"));
  EXPECT_THAT(Verb().Refusal({"--logit-bias", "5"}), HasSubstr("42:-1.5"));
}

TEST(Flags, MissingValueAndSurplusArgumentAreRefused) {
  EXPECT_THAT(Verb().Refusal({"--max-tokens"}), HasSubstr("--max-tokens needs a value"));
  EXPECT_THAT(Verb().Refusal({"one", "two"}), HasSubstr("unexpected argument 'two'"));
}

TEST(Flags, EnvironmentStandsInForAbsentFlags) {
  const EnvironmentVariable tokens("ENGINE_MAX_TOKENS", "5"), stream("ENGINE_NO_STREAM", "1"),
      alias("ENGINE_PREDICT", "6");
  Verb verb;
  ASSERT_TRUE(verb.Parse({}).ok());
  EXPECT_EQ(verb.max_tokens, 5);
  EXPECT_FALSE(verb.stream);
}

TEST(Flags, AMistypedVariableIsWarnedOf) {
  const EnvironmentVariable mistyped("ENGINE_MAX_TOKEN", "secret"), other("ENGINE_CACHE", "x"),
      host("ENGINE_SERVICE_HOST", "10.0.0.1"), port("ENGINE_SEED_PORT_80_TCP", "x"), far("ENGINE_ROOM", "x"),
      known("ENGINE_SEED", "1");
  Verb verb;
  ::testing::internal::CaptureStderr();
  ASSERT_TRUE(verb.Parse({}).ok());
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");  // other verbs have other flags
  EXPECT_THAT(verb.flags.MistypedVariables(),
              ElementsAre("ENGINE_MAX_TOKEN stands for no flag of `engine test`; did you mean ENGINE_MAX_TOKENS?"));
}

TEST(Flags, ErrorOfTheEnvironmentNamesTheVariable) {
  const EnvironmentVariable tokens("ENGINE_MAX_TOKENS", "five");
  EXPECT_THAT(Verb().Refusal({}), HasSubstr("--max-tokens (from ENGINE_MAX_TOKENS) is 'five'"));
}

TEST(Flags, CommandLineBeatsEnvironmentWhichBeatsFile) {
  const TempDir directory;
  const std::string file = directory.Write(
      "flags.yaml", "max-tokens: 1\ntemperature: 0.25\nseed: 3\nno-stream: true\nsizes: [8, 9]\nmodel: m\n");
  const EnvironmentVariable temperature("ENGINE_TEMPERATURE", "0.5"), seed("ENGINE_SEED", "4");
  Verb verb;
  ASSERT_TRUE(verb.Parse({"--config", file, "--temperature", "0.75"}).ok());
  EXPECT_EQ(verb.temperature, 0.75f);
  EXPECT_EQ(verb.seed, 4u);
  EXPECT_EQ(verb.max_tokens, 1);
  EXPECT_FALSE(verb.stream);
  EXPECT_THAT(verb.sizes, ElementsAre(8, 9));
  EXPECT_EQ(verb.model, "m");
}

TEST(Flags, ConfigMayBeNamedByTheEnvironmentAndUseUnderscores) {
  const TempDir directory;
  const std::string file = directory.Write("flags.yaml", "max_tokens: 9\n");
  const EnvironmentVariable config("ENGINE_CONFIG", file);
  Verb verb;
  ASSERT_TRUE(verb.Parse({}).ok());
  EXPECT_EQ(verb.max_tokens, 9);
}

TEST(Flags, FilesThatAreNoFlagsAreRefusedByName) {
  const TempDir directory;
  const auto refusal = [&](const char* text) { return Verb().Refusal({"--config", directory.Write("f.yaml", text)}); };
  EXPECT_THAT(refusal("max-tokns: 5"), AllOf(HasSubstr("max-tokns"), HasSubstr("f.yaml"), HasSubstr("--max-tokens?")));
  EXPECT_THAT(refusal("max-tokens: lots"), AllOf(HasSubstr("f.yaml"), HasSubstr("'lots'")));
  EXPECT_THAT(refusal("- a list"), HasSubstr("mapping"));
  EXPECT_THAT(refusal("a: [b"), HasSubstr("not valid YAML"));
  EXPECT_THAT(refusal("sizes: {a: 1}"), HasSubstr("a value or a list of values"));
  EXPECT_THAT(refusal("max-tokens: 5\nmax_tokens: 6"), HasSubstr("--max-tokens is there twice"));
  EXPECT_THAT(refusal("max-tokens: 5\nn: 6"), HasSubstr("--max-tokens is there twice"));
  EXPECT_THAT(refusal("config: other.yaml"), HasSubstr("cannot name another"));
  EXPECT_THAT(refusal("max-tokens: 5\n---\nseed: 6"), HasSubstr("has 2 YAML documents"));
  EXPECT_THAT(Verb().Refusal({"--config", directory.path() + "/absent"}), HasSubstr("No such file"));
  EXPECT_THAT(Verb().Refusal({"--config", directory.path()}), HasSubstr("directory"));
}

TEST(Flags, SwitchesOfAFileAreWrittenAsYamlMayWriteThem) {
  const TempDir directory;
  for (const char* word : {"false", "False", "FALSE", "no", "Off"}) {
    Verb verb;
    ASSERT_TRUE(verb.Parse({"--config", directory.Write("f.yaml", std::string("---\nstream: ") + word)}).ok()) << word;
    EXPECT_FALSE(verb.stream) << word;
  }
}

TEST(Flags, AnErrorAboutATargetNamesItsFlag) {
  const EnvironmentVariable tokens("ENGINE_MAX_TOKENS", "5");
  Verb verb;
  ASSERT_TRUE(verb.Parse({}).ok());
  const absl::Status status = verb.flags.UsageErrorOf(absl::InvalidArgumentError("max_tokens is 5; it is odd"));
  EXPECT_TRUE(IsUsageError(status));
  EXPECT_EQ(Message(status), "--max-tokens (from ENGINE_MAX_TOKENS) is 5; it is odd");
  const absl::Status other = verb.flags.UsageErrorOf(absl::InvalidArgumentError("there is no such thing"));
  EXPECT_TRUE(IsUsageError(other));
  EXPECT_EQ(Message(other), "there is no such thing");
}

TEST(Flags, ApplyingAgainKeepsWhatWasGivenOverNewDefaults) {
  Verb verb;
  ASSERT_TRUE(verb.Parse({"--temperature", "0.5", "--stop", "a"}).ok());
  verb.temperature = 0.1f;
  verb.max_tokens = 42;
  verb.stop.clear();
  ASSERT_TRUE(verb.flags.ApplyAgain().ok());
  EXPECT_EQ(verb.temperature, 0.5f);
  EXPECT_EQ(verb.max_tokens, 42);
  EXPECT_THAT(verb.stop, ElementsAre("a"));
}

TEST(Flags, HelpListsEveryFlagAndStopsTheVerb) {
  Verb verb;
  ::testing::internal::CaptureStdout();
  const auto goes_on = verb.Parse({"--help", "--max-tokens", "many"});
  const std::string help = ::testing::internal::GetCapturedStdout();
  ASSERT_TRUE(goes_on.ok());
  EXPECT_FALSE(*goes_on);
  EXPECT_THAT(help, AllOf(HasSubstr("usage: engine test [MODEL]"), HasSubstr("--max-tokens, --predict, -n N"),
                          HasSubstr("--no-NAME"), HasSubstr("ENGINE_<FLAG> (ENGINE_MODEL for --model)")));
}

TEST(Flags, AChoiceThatIsNoTextIsRefused) {
  const absl::Status status = ReadGrammar({.choice = "yes,a\xff"}).status();
  EXPECT_TRUE(IsUsageError(status)) << status;
  EXPECT_THAT(std::string(Message(status)), HasSubstr("--choice: the text is not UTF-8: byte 5 is 0xff"));
}

}  // namespace
}  // namespace engine
