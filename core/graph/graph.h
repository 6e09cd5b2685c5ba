// A model as data: values and the ops between them, in the order they run.
#pragma once

#include <string>
#include <vector>

#include "core/kernel/op.h"

namespace engine {

enum class ValueKind : uint8_t {
  kIntermediate,  // lives in the arena between its first and last use
  kStepInput,     // filled by the host each step, found by name ("tokens")
  kWeight,        // packed once, found by name in the model's weight list
  kCache,         // a layer's KV pool, written in place
  kOutput,        // kept from one step to the next, read by the host
};

struct Value {
  std::string name;
  TensorSpec spec;
  ValueKind kind = ValueKind::kIntermediate;
};

struct Node {
  OpRef op;
  std::vector<ValueId> in;
  std::vector<ValueId> out;
};

struct Graph {
  std::vector<Value> values;  // indexed by ValueId
  std::vector<Node> nodes;

  const Value& value(ValueId id) const { return values[id]; }
  std::vector<TensorSpec> specs(const std::vector<ValueId>& ids) const;
};

}  // namespace engine
