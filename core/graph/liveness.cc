#include "core/graph/liveness.h"

#include <algorithm>
#include <tuple>

#include "core/base/cache_line.h"

namespace engine {
namespace {

// In intervals between two barriers: steps inside one run in any order.
struct Lifetime {
  int first = -1;
  int last = -1;
};

std::vector<Lifetime> Lifetimes(const Graph& graph, const std::vector<bool>& barriers) {
  std::vector<Lifetime> lives(graph.values.size());
  int interval = 0;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (barriers[n]) ++interval;
    const auto touch = [&](ValueId id) {
      if (lives[id].first < 0) lives[id].first = interval;
      lives[id].last = interval;
    };
    for (const ValueId id : graph.nodes[n].in) touch(id);
    for (const ValueId id : graph.nodes[n].out) touch(id);
  }
  return lives;
}

struct Placed {
  int64_t begin;
  int64_t end;
  Lifetime life;
};

// The lowest gap that no value alive at the same time overlaps.
int64_t FirstFit(const std::vector<Placed>& placed, const Lifetime& life, int64_t bytes) {
  int64_t offset = 0;
  for (const Placed& other : placed) {  // ascending by begin
    const bool together = other.life.first <= life.last && life.first <= other.life.last;
    if (together && offset + bytes > other.begin) offset = std::max(offset, other.end);
  }
  return offset;
}

// Bytes a step touches: an arena range, or a whole value outside the arena.
struct Access {
  ValueId outside;  // -1 for arena ranges
  int64_t begin;
  int64_t end;
  bool write;
};

bool Conflict(const Access& a, const Access& b) {
  if (!a.write && !b.write) return false;
  if (a.outside != b.outside) return false;
  return a.outside >= 0 || (a.begin < b.end && b.begin < a.end);
}

std::vector<Access> AccessesOf(const Graph& graph, const Node& node, const ArenaPlan& arena, const StepLimits& limits) {
  std::vector<Access> accesses;
  const auto add = [&](ValueId id, bool write) {
    const int64_t offset = arena.offsets[id];
    if (offset < 0) {
      accesses.push_back({id, 0, 0, write});
    } else {
      accesses.push_back({-1, offset, offset + MaxBytes(graph.value(id).spec, limits), write});
    }
  };
  for (size_t i = 0; i < node.in.size(); ++i) add(node.in[i], static_cast<int>(i) == node.op.schema().mutated_input);
  for (const ValueId id : node.out) add(id, true);
  return accesses;
}

}  // namespace

ArenaPlan PlanArena(const Graph& graph, const StepLimits& limits) {
  ArenaPlan plan;
  plan.offsets.assign(graph.values.size(), -1);
  // The barriers that data asks for, as no value has a place yet: memory that is used again asks for no other.
  const std::vector<Lifetime> lives = Lifetimes(graph, PlanBarriers(graph, plan, limits));
  std::vector<ValueId> order;
  for (size_t id = 0; id < graph.values.size(); ++id) {
    if (graph.values[id].kind == ValueKind::kIntermediate && lives[id].first >= 0) {
      order.push_back(static_cast<ValueId>(id));
    }
  }
  // The largest first: small ones fit into the gaps that those leave.
  const auto bytes_of = [&](ValueId id) { return CacheLines(MaxBytes(graph.value(id).spec, limits)); };
  std::ranges::sort(order, {}, [&](ValueId id) { return std::tuple(-bytes_of(id), lives[id].first, id); });

  std::vector<Placed> placed;
  for (const ValueId id : order) {
    const int64_t bytes = bytes_of(id);
    const int64_t offset = FirstFit(placed, lives[id], bytes);
    plan.offsets[id] = offset;
    plan.bytes = std::max(plan.bytes, offset + bytes);
    const Placed item{offset, offset + bytes, lives[id]};
    placed.insert(std::upper_bound(placed.begin(), placed.end(), item,
                                   [](const Placed& a, const Placed& b) { return a.begin < b.begin; }),
                  item);
  }
  return plan;
}

std::vector<bool> PlanBarriers(const Graph& graph, const ArenaPlan& arena, const StepLimits& limits) {
  std::vector<bool> barriers(graph.nodes.size(), false);
  std::vector<Access> since_barrier;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const std::vector<Access> accesses = AccessesOf(graph, graph.nodes[n], arena, limits);
    barriers[n] = std::any_of(accesses.begin(), accesses.end(), [&](const Access& access) {
      return std::any_of(since_barrier.begin(), since_barrier.end(),
                         [&](const Access& earlier) { return Conflict(access, earlier); });
    });
    if (barriers[n]) since_barrier.clear();
    since_barrier.insert(since_barrier.end(), accesses.begin(), accesses.end());
  }
  return barriers;
}

}  // namespace engine
