// Answers as models of each family write them, and what they say.
#pragma once

#include <string>
#include <vector>

#include "text/output_parser/output_parser.h"

namespace engine {

struct OutputFixture {
  std::string name;
  std::string reasoning;  // parser
  std::string tools;
  std::string text;
  std::vector<OutputDelta> expected;  // with each run of pieces in one
  std::string prompt_end = "<|im_start|>assistant\n";
};

// Pieces of what an answer says.
OutputDelta Say(std::string text);
OutputDelta Think(std::string text);
OutputDelta Begin(int call, std::string name, std::string id = "");
OutputDelta Arguments(int call, std::string json);

// get_weather(city: string, days: integer, note: string or null, tags: array) and now().
std::vector<ToolFunction> WeatherFunctions();

std::vector<OutputFixture> OutputFixtures();

// Answers that fit their format badly: cut off, wrongly nested, half markers.
std::vector<OutputFixture> BrokenOutputFixtures();

OutputParserOptions OptionsOf(const OutputFixture& fixture);

// What a parser makes of a text in these pieces, each run of pieces in one; the calls' begins without arguments stay.
std::vector<OutputDelta> Parse(const OutputParserOptions& options, const std::vector<std::string>& pieces);

}  // namespace engine
