// A GPU's stream over the SIMT device: tickets, errors that stick, and graphs in place of steps that come again.
#include "backends/gpu/gpu_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "backends/gpu/gpu_device.h"
#include "backends/gpu/kernels.h"
#include "backends/simt/simt_driver.h"
#include "core/device/staged_buffer.h"
#include "core/graph/builder.h"
#include "core/graph/compile.h"
#include "ops/add.h"
#include "ops/all_gather.h"
#include "tests/unit/gpu/tripling.h"

namespace engine::gpu {
namespace {

using testing::HasSubstr;

constexpr int kTokens = Tripling::kTokens;
constexpr int kColumns = Tripling::kColumns;
constexpr int64_t kBytes = Tripling::kBytes;

Tripling OnSimt(uint64_t seed) { return Tripling(*OpenSimtDriver({.seed = seed})); }

TEST(GpuStream, RunsAStepThatComesAgainAsAGraphWithTheSameResult) {
  for (int seed = 0; seed < 10; ++seed) {
    Tripling program = OnSimt(seed);
    for (int run = 1; run <= 4; ++run) {
      ASSERT_TRUE(program.Run(5, static_cast<float>(run)).ok());
      EXPECT_EQ(program.At(4), 3.0f * static_cast<float>(run));
      EXPECT_EQ(program.At(5), 0.0f) << "five rows were asked for";
      EXPECT_EQ(program.num_replayed(), run > 1 ? 1 : 0);
    }
    ASSERT_TRUE(program.Run(6, 2.0f).ok());
    EXPECT_EQ(program.At(5), 6.0f);
    EXPECT_EQ(program.num_replayed(), 1);
  }
}

TEST(GpuStream, KeepsTheGraphsOfOnlySoManySteps) {
  Tripling program = OnSimt(0);
  for (int repeat = 0; repeat < 100; ++repeat) {
    for (int again = 0; again < 2; ++again) {
      // Extents that differ in nothing that Add looks at.
      const StepExtents extents{.tokens = 3, .max_context = repeat};
      ASSERT_TRUE(program.RunExtents(extents).ok());
    }
  }
  EXPECT_EQ(program.num_replayed(), 64);
}

TEST(ReplayCache, KeepsFewerStepsWhereEachHasManyGraphs) {
  const auto driver = *OpenSimtDriver({.seed = 1});
  ReplayCache replays(*driver);
  const Program program;
  for (int context = 0; context < 40; ++context) {
    replays.Find(program, {.max_context = context}).entry.graphs.resize(100);
  }
  EXPECT_EQ(replays.num_steps(), 21) << "2048 / 100 and the newest";
  EXPECT_TRUE(replays.Find(program, {.max_context = 20}).again);
  EXPECT_FALSE(replays.Find(program, {.max_context = 18}).again);
}

TEST(GpuStream, AnErrorSticksAndNamesTheKernel) {
  Tripling program = OnSimt(0);
  program.FreeArena();
  const absl::Status status = program.Run(5, 1.0f);
  EXPECT_THAT(std::string(status.message()), HasSubstr("kernel add is given a pointer to an allocation"));
  EXPECT_EQ(program.Run(5, 1.0f), status);
  EXPECT_EQ(program.stream().Record().status(), status);
}

TEST(GpuStream, TicketsMayBeAwaitedLateTwiceOrNotAtAll) {
  Tripling program = OnSimt(3);
  std::vector<uint64_t> tickets;
  for (int i = 0; i < 5; ++i) {
    const auto ticket = program.stream().Record();
    ASSERT_TRUE(ticket.ok());
    tickets.push_back(*ticket);
  }
  EXPECT_TRUE(program.stream().Wait(tickets[3]).ok());
  EXPECT_TRUE(program.stream().Wait(tickets[1]).ok());
  EXPECT_TRUE(program.stream().Wait(tickets[3]).ok());
}

// y = the x of two devices side by side, each with its own program and stream.
class Halves {
 public:
  explicit Halves(uint64_t seed) {
    auto drivers = *OpenSimtDrivers({.seed = seed}, 2);
    GraphBuilder builder;
    const ValueId x = builder.StepInput("x", {DType::kF32, {engine::kTokens, kColumns}});
    const ValueId y = builder.Output("y", {DType::kF32, {engine::kTokens, 2 * kColumns}});
    builder.AddInto(engine::AllGather{.ranks = 2}, {builder.Add(Add{}, {x, x})}, {y});
    const Graph graph = *std::move(builder).Finish();
    KernelRegistry registry;
    RegisterGpuKernels(registry, "simt");
    std::vector<GpuDriver*> pointers;
    for (auto& driver : drivers) {
      pointers.push_back(driver.get());
      ranks_.push_back({.device = *GpuDevice::Create(std::move(driver))});
    }
    auto communicators = *ConnectInProcess(pointers, kBytes);
    for (size_t r = 0; r < ranks_.size(); ++r) {
      OneRank& rank = ranks_[r];
      rank.program = *Compile(graph, registry, rank.device->info(), {.limits = {.max_tokens = kTokens}});
      rank.x = *StagedBuffer::Create(*rank.device, kBytes);
      rank.y = *StagedBuffer::Create(*rank.device, 2 * kBytes);
      rank.arena = *rank.device->Allocate(rank.program.arena_bytes, MemoryKind::kDevice);
      std::vector<std::byte*> addresses(rank.program.graph.values.size(), nullptr);
      addresses[x] = rank.x.device();
      addresses[y] = rank.y.device();
      EXPECT_TRUE(rank.program.Bind(addresses, rank.arena.data(), nullptr).ok());
      rank.stream = *GpuStream::Create(*rank.device, std::move(communicators[r]));
    }
  }

  ~Halves() {
    for (OneRank& rank : ranks_) rank.stream.reset();  // they share memory of both devices
  }

  // What the ranks say. After `good_steps` rank 1 copies more than there is room for.
  std::vector<absl::Status> Run(int steps, int good_steps) {
    std::vector<absl::Status> results(ranks_.size());
    std::vector<std::jthread> threads;
    for (size_t r = 0; r < ranks_.size(); ++r) {
      threads.emplace_back([&, r] {
        for (int step = 0; step < steps && results[r].ok(); ++step) {
          if (r == 1 && step == good_steps) {
            ranks_[r].stream->Copy(ranks_[r].x.device(), ranks_[r].y.host(), 3 * kBytes).IgnoreError();
          }
          results[r] = ranks_[r].Step(static_cast<float>(r + 1));
        }
      });
    }
    threads.clear();
    return results;
  }
  float At(int rank, int column) const { return reinterpret_cast<const float*>(ranks_[rank].y.host())[column]; }
  int num_replayed() const { return static_cast<GpuStream&>(*ranks_[0].stream).num_replayed(); }

 private:
  struct OneRank {
    std::unique_ptr<GpuDevice> device;
    Program program = {};
    StagedBuffer x = {}, y = {};
    Buffer arena = {};
    std::unique_ptr<Stream> stream = nullptr;

    absl::Status Step(float value) const {
      std::fill_n(reinterpret_cast<float*>(x.host()), kTokens * kColumns, value);
      RETURN_IF_ERROR(x.Upload(*stream, 0, kBytes));
      RETURN_IF_ERROR(stream->Run(program, {.tokens = 3}));
      RETURN_IF_ERROR(y.Download(*stream, 2 * kBytes));
      ASSIGN_OR_RETURN(const uint64_t ticket, stream->Record());
      return stream->Wait(ticket);
    }
  };

  std::vector<OneRank> ranks_;
};

TEST(GpuStream, GathersBetweenGraphsOfTheStepsAround) {
  for (int seed = 0; seed < 10; ++seed) {
    Halves halves(seed);
    for (const absl::Status& result : halves.Run(3, 3)) ASSERT_TRUE(result.ok()) << result;
    for (const int rank : {0, 1}) {
      EXPECT_EQ(halves.At(rank, kColumns - 1), 2.0f);
      EXPECT_EQ(halves.At(rank, kColumns), 4.0f);
    }
    EXPECT_EQ(halves.num_replayed(), 1);
  }
}

TEST(GpuStream, FailsOnAllDevicesWhereOneFails) {
  for (int seed = 0; seed < 10; ++seed) {
    Halves halves(seed);
    for (const absl::Status& result : halves.Run(4, 2)) EXPECT_THAT(std::string(Message(result)), HasSubstr("a copy"));
  }
}

}  // namespace
}  // namespace engine::gpu
