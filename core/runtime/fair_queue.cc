#include "core/runtime/fair_queue.h"

#include <algorithm>
#include <tuple>

namespace engine {

void FairQueue::Add(Sequence& sequence, const std::string& tenant) {
  const int64_t least_service = LeastService();
  Tenant& of = FindOrAdd(tenant, least_service);
  if (of.waiting.empty()) of.service = std::max(of.service, least_service);
  ++of.num_sequences;
  sequence.tenant = &of;
  sequence.arrival = num_arrivals_++;
  of.waiting.insert(&sequence);
  ++num_new_;
}

// Of those that have new sequences; without any, of the one that had the last.
int64_t FairQueue::LeastService() const {
  const Sequence* const first = FirstNew();
  return first == nullptr ? service_of_last_ : first->tenant->service;
}

Tenant& FairQueue::FindOrAdd(const std::string& name, int64_t least_service) {
  if (const auto found = tenants_.find(name); found != tenants_.end()) return found->second;
  // Whoever comes back would be given this much.
  std::erase_if(tenants_, [=](const auto& entry) {
    return entry.second.num_sequences == 0 && entry.second.service <= least_service;
  });
  return tenants_[name];
}

Sequence* FairQueue::FirstNew() const {
  Sequence* first = nullptr;
  const auto rank = [](const Sequence& s) { return std::tie(s.tenant->service, s.arrival); };
  for (const auto& [name, tenant] : tenants_) {
    if (tenant.waiting.empty()) continue;
    Sequence* const next = *tenant.waiting.begin();
    if (first == nullptr || rank(*next) < rank(*first)) first = next;
  }
  return first;
}

Sequence* FairQueue::First() const {
  Sequence* const first = FirstNew();
  const bool was_preempted =
      !preempted_.empty() && (first == nullptr || (*preempted_.begin())->priority <= first->priority);
  return was_preempted ? *preempted_.begin() : first;
}

void FairQueue::Enter(Sequence& sequence) {
  Erase(sequence);
  if (sequence.turn != Sequence::kNoTurn) return;
  sequence.turn = num_turns_++;
  service_of_last_ = sequence.tenant->service;
}

void FairQueue::Erase(Sequence& sequence) {
  if (sequence.turn != Sequence::kNoTurn) {
    preempted_.erase(&sequence);
  } else {
    num_new_ -= sequence.tenant->waiting.erase(&sequence);
  }
}

size_t FairQueue::num_sequences() const {
  size_t all = 0;
  for (const auto& [name, tenant] : tenants_) all += tenant.num_sequences;
  return all;
}

}  // namespace engine
