// Sequences that wait to run, in the order in which they enter:
// - those that ran before and lost their blocks, in the order in which they run, unless who comes next is more urgent;
// - then those of the tenant that was served least, its own in order of priority, lower first, then of arrival.
//
// Service is counted in tokens, as the virtual token counter of Sheng et al., "Fairness in Serving Large Language Models"
// (2024), does: a token that is computed counts 1, and 1 more if one is sampled behind it. Who had nothing waiting is not
// owed for that time: its count rises to that of the least served tenant that waits. So a tenant that floods the queue,
// or calls all it sends urgent, delays itself: any other one's next request enters before what it has waiting.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "core/runtime/sequence.h"

namespace engine {

struct Tenant {
  int64_t service = 0;  // in tokens, see above
  int num_sequences = 0;
  std::set<Sequence*, EntersBefore> waiting;  // those that have never run
};

// Belongs to the engine thread, as the sequences do.
class FairQueue {
 public:
  // A new sequence waits, as one of that tenant.
  void Add(Sequence& sequence, const std::string& tenant);
  // One that has run waits again.
  void PutBack(Sequence& sequence) { preempted_.insert(&sequence); }

  // Who enters next; nullptr: nobody waits.
  Sequence* First() const;

  // It runs from now on, in its turn.
  void Enter(Sequence& sequence);
  // It ended while it waited.
  void Erase(Sequence& sequence);

  // So many of a sequence's tokens are computed, and so many sampled.
  static void Charge(const Sequence& sequence, int num_computed, int num_sampled) {
    sequence.tenant->service += num_computed + num_sampled;
  }
  // The sequence goes away. It does not wait.
  static void Release(Sequence& sequence) { --sequence.tenant->num_sequences; }

  bool contains(Sequence* sequence) const {
    return preempted_.contains(sequence) || sequence->tenant->waiting.contains(sequence);
  }
  bool empty() const { return size() == 0; }
  size_t size() const { return preempted_.size() + num_new_; }
  size_t num_sequences() const;  // of all tenants, running ones too

 private:
  Sequence* FirstNew() const;  // of those that have never run
  int64_t LeastService() const;
  Tenant& FindOrAdd(const std::string& name, int64_t least_service);

  std::set<Sequence*, RunsBefore> preempted_;
  std::map<std::string, Tenant> tenants_;  // those with sequences, and those served more than one that would be new
  size_t num_new_ = 0;                     // in all tenants' `waiting`
  int64_t service_of_last_ = 0;            // of the tenant whose sequence last entered as a new one, then
  int64_t num_arrivals_ = 0;
  int64_t num_turns_ = 0;
};

}  // namespace engine
