#include "text/output_parser/call_grammar.h"

#include <functional>
#include <variant>

#include "text/output_parser/argument_grammar.h"
#include "text/output_parser/lark_writer.h"

namespace engine {
namespace {

constexpr char kSpace[] = "/[ \\n]{0,8}/ ";
constexpr char kLineBreak[] = "\"\\n\"? ";

// A syntax's calls, behind what opens them.
struct Calls {
  std::string_view opener;
  std::string rest;
};

// `one`, or several with `between`.
std::string Several(const std::string& one, const std::string& between, bool parallel) {
  return parallel ? one + "(" + between + one + ")* " : one;
}

std::string AnyOf(std::span<const ToolFunction> functions, LarkWriter& lark,
                  const std::function<std::string(const ToolFunction&)>& call) {
  std::string body;
  for (const ToolFunction& function : functions) body += (body.empty() ? "" : "| ") + call(function);
  return lark.Rule(body);
}

Calls CallsOf(const ObjectSyntax& syntax, const CallGrammarOptions& options, LarkWriter& lark) {
  const std::string object = AnyOf(options.functions, lark, [&](const ToolFunction& function) {
    const std::string name = nlohmann::json(function.name).dump();
    std::string open = "{" + name + ": ";
    if (!syntax.name_key.empty()) {
      open = '"' + std::string(syntax.name_key) + "\": " + name + ", \"" + std::string(syntax.arguments_key) + "\": ";
    }
    const std::string id = R"("\")" + std::string(syntax.id_key) + R"(\": \"" /[0-9]{1,3}/ "\", " )";
    const std::string begin = syntax.name_key.empty() ? "" : "\"{\" " + (syntax.id_first ? "(" + id + ")? " : "");
    return begin + lark.Literal(open) + lark.JsonOf(SchemaOf(function)) + lark.Literal("}");
  });
  const std::string between = syntax.array ? "\",\" " + std::string(kSpace) : lark.Literal(syntax.separator) + kSpace;
  const bool several = options.parallel && (syntax.array || !syntax.separator.empty());
  std::string all = Several(object, between, several);
  if (syntax.array) all = "\"[\" " + std::string(kSpace) + all + kSpace + "\"]\" ";
  if (syntax.open == "{") return {.opener = "", .rest = all};
  if (syntax.close.empty()) return {.opener = syntax.open, .rest = all};
  return {.opener = syntax.open, .rest = kLineBreak + all + kLineBreak + lark.Literal(syntax.close)};
}

Calls CallsOf(const HeaderSyntax& syntax, const CallGrammarOptions& options, LarkWriter& lark) {
  const std::string call = AnyOf(options.functions, lark, [&](const ToolFunction& function) {
    const bool json = syntax.arguments == &kJsonLiterals;
    std::string text = lark.Literal(std::string(syntax.name_prefix) + function.name);
    if (!syntax.name_prefix.empty()) text += "/:[0-9]{1,3}/ ";
    if (!syntax.id_open.empty()) text += "(" + lark.Literal(syntax.id_open) + "/[A-Za-z0-9]{9}/)? ";
    if (!syntax.name_end.empty()) text += kLineBreak + lark.Literal(syntax.name_end) + kLineBreak;
    text += json ? lark.JsonOf(SchemaOf(function)) : LiteralArguments(function, *syntax.arguments, lark);
    return text + (syntax.call_close.empty() ? "" : kLineBreak + lark.Literal(syntax.call_close));
  });
  if (syntax.section_open.empty()) return {.opener = syntax.call_open, .rest = call};
  const std::string between = lark.Literal(syntax.separator) + kSpace + lark.Literal(syntax.call_open);
  return {.opener = syntax.section_open,
          .rest = kLineBreak + lark.Literal(syntax.call_open) + Several(call, between, options.parallel) + kLineBreak +
                  lark.Literal(syntax.section_close)};
}

Calls CallsOf(const TagSyntax& syntax, const CallGrammarOptions& options, LarkWriter& lark) {
  const std::string call = AnyOf(options.functions, lark, [&](const ToolFunction& function) {
    return lark.Literal(function.name + std::string(syntax.name_end)) + kLineBreak +
           TagArguments(function, syntax, lark) + lark.Literal(syntax.call_close);
  });
  if (syntax.section_open.empty()) return {.opener = syntax.call_open, .rest = call};
  const std::string open = kLineBreak + lark.Literal(syntax.call_open);
  return {.opener = syntax.section_open,
          .rest = open + Several(call, open, options.parallel) + kLineBreak + lark.Literal(syntax.section_close)};
}

// With what may come before the marker that opens reasoning, and behind the one that closes it.
std::string Thought(const ReasoningFormat& reasoning, ReasoningStart start, const std::string& before,
                    const std::string& behind, LarkWriter& lark) {
  if (start == ReasoningStart::kNone) return {};
  const std::string inside = lark.Until(reasoning.close) + behind;
  return start == ReasoningStart::kOpen ? inside : "(" + before + lark.Literal(reasoning.open) + inside + ")? ";
}

// Behind it line breaks, which are no part of the answer; blanks would be.
std::string ThoughtBeforeAnswer(const OutputFormat& format, ReasoningStart start, LarkWriter& lark) {
  return format.reasoning == nullptr ? "" : Thought(*format.reasoning, start, "", "/\\n{0,2}/ ", lark);
}

std::string RequiredCalls(const OutputFormat& format, const CallGrammarOptions& options, const Calls& calls,
                          LarkWriter& lark) {
  const std::string one = lark.Literal(calls.opener) + calls.rest;
  // What has a section holds several calls in one, and may be repeated like what has none.
  const std::string all = Several(one, kSpace, options.parallel && !calls.opener.empty());
  if (options.or_answer)
    return lark.Finish(ThoughtBeforeAnswer(format, options.start, lark) + "(" + all + "| @answer)");
  std::string start;
  if (format.reasoning != nullptr) start = Thought(*format.reasoning, options.start, kSpace, "", lark) + kSpace;
  return lark.Finish(start + all);
}

// Text may hold the control tokens that reasoning has.
std::string OptionalCalls(const OutputFormat& format, const Calls& calls, LarkWriter& lark) {
  std::string items = lark.Until(calls.opener) + calls.rest;
  if (format.reasoning != nullptr) {
    for (const std::string_view marker : {format.reasoning->open, format.reasoning->close}) {
      if (lark.BeginsWithControlToken(marker)) items += "| " + lark.Until(marker);
    }
  }
  return lark.Finish("(" + items + ")* /(?s:.*)/");
}

// Where a bracket opens a call, an answer that begins with one is a call.
std::string CallsOrText(const OutputFormat& format, const Calls& calls, LarkWriter& lark) {
  if (format.reasoning != nullptr) return {};  // what comes before an answer may begin with anything
  const std::string bracket = calls.opener.empty() ? "{" : "\\" + std::string(calls.opener);
  return lark.Finish(kSpace + ("(" + lark.Literal(calls.opener) + calls.rest) + "| /[^ \\n" + bracket + "](?s:.*)/)? ");
}

std::string HarmonyThought(LarkWriter& lark) {
  return "(" + lark.Literal("<|channel|>analysis<|message|>") + lark.Until("<|end|>") +
         lark.Literal("<|start|>assistant") + ")? ";
}

std::string HarmonyAnswer(const LarkWriter& lark) { return lark.Literal("<|channel|>final<|message|>") + "@answer"; }

std::string HarmonyCalls(const CallGrammarOptions& options, LarkWriter& lark) {
  const std::string call = AnyOf(options.functions, lark, [&](const ToolFunction& function) {
    return lark.Literal(function.name) + "\" \"? (" + lark.Literal("<|channel|>commentary") + ")? \" \"? (" +
           lark.Literal("<|constrain|>json") + ")? " + lark.Literal("<|message|>") + lark.JsonOf(SchemaOf(function));
  });
  const std::string to = " to=functions.";
  if (options.required) {
    const std::string answer = options.or_answer ? "| " + HarmonyAnswer(lark) : "";
    return lark.Finish(HarmonyThought(lark) + "(" + lark.Literal("<|channel|>commentary" + to) + call + answer + ")");
  }
  std::string items = lark.Until(to) + call;
  for (const char* marker : {"<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|constrain|>"}) {
    if (lark.BeginsWithControlToken(marker)) items += "| " + lark.Until(marker);
  }
  return lark.Finish("(" + items + ")* /(?s:.*)/");
}

}  // namespace

std::string CallGrammar(const OutputFormat& format, const CallGrammarOptions& options) {
  if (options.functions.empty() || format.tools == nullptr) return {};
  LarkWriter lark(options.control_tokens);
  if (format.harmony()) return HarmonyCalls(options, lark);
  const Calls calls =
      std::visit([&](const auto& syntax) { return CallsOf(syntax, options, lark); }, format.tools->syntaxes.front());
  if (options.required) return RequiredCalls(format, options, calls, lark);
  return calls.opener.size() < 2 ? CallsOrText(format, calls, lark) : OptionalCalls(format, calls, lark);
}

std::string BeforeAnswer(const OutputFormat& format, std::span<const ControlToken> control_tokens,
                         ReasoningStart start) {
  LarkWriter lark(control_tokens);
  if (format.harmony()) return lark.Finish(HarmonyThought(lark) + HarmonyAnswer(lark));
  const std::string thought = ThoughtBeforeAnswer(format, start, lark);
  return thought.empty() ? "" : lark.Finish(thought + "@answer");
}

}  // namespace engine
