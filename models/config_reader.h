// Typed reads from a config.json. The first error sticks, so that a parser reads as a list of fields.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/status.h"
#include "nlohmann/json_fwd.hpp"

namespace engine {

class ConfigReader {
 public:
  // Borrows `config`. `what` names it in errors ("config.json").
  ConfigReader(const nlohmann::ordered_json& config, std::string what) : config_(config), what_(std::move(what)) {}

  bool Has(std::string_view key) const;  // present and not null
  // Integers between 1 and 2^31 - 1: sizes and counts.
  int Size(std::string_view key);
  int SizeOr(std::string_view key, int otherwise) { return WholeOr(key, 1, otherwise); }
  int CountOr(std::string_view key, int otherwise) { return WholeOr(key, 0, otherwise); }  // 0 too
  double Number(std::string_view key);
  double NumberOr(std::string_view key, double otherwise);
  bool FlagOr(std::string_view key, bool otherwise);
  std::string TextOr(std::string_view key, std::string_view otherwise);
  // A nested object, sharing nothing of this reader's status; an empty object when absent.
  const nlohmann::ordered_json& Object(std::string_view key);
  const nlohmann::ordered_json& json() const { return config_; }
  const std::string& what() const { return what_; }

  void Fail(absl::Status status);
  const absl::Status& status() const { return status_; }

 private:
  const nlohmann::ordered_json* Find(std::string_view key) const;
  int WholeOr(std::string_view key, int least, int otherwise);

  const nlohmann::ordered_json& config_;
  std::string what_;
  absl::Status status_;
};

}  // namespace engine
