#include "tests/unit/gpu/tripling.h"

#include <algorithm>
#include <vector>

#include "backends/gpu/kernels.h"
#include "core/base/check.h"
#include "core/graph/builder.h"
#include "core/graph/compile.h"
#include "ops/add.h"

namespace engine::gpu {

Tripling::Tripling(std::unique_ptr<GpuDriver> driver) {
  device_ = *GpuDevice::Create(std::move(driver));
  GraphBuilder builder;
  const TensorSpec spec{DType::kF32, {engine::kTokens, kColumns}};
  const ValueId x = builder.StepInput("x", spec);
  const ValueId y = builder.Output("y", spec);
  builder.AddInto(Add{}, {builder.Add(Add{}, {x, x}), x}, {y});
  KernelRegistry registry;
  RegisterGpuKernels(registry, device_->info().kind);
  program_ = std::make_unique<Program>(
      *Compile(*std::move(builder).Finish(), registry, device_->info(), {.limits = {.max_tokens = kTokens}}));
  x_ = *StagedBuffer::Create(*device_, kBytes);
  y_ = *StagedBuffer::Create(*device_, kBytes);
  arena_ = *device_->Allocate(program_->arena_bytes, MemoryKind::kDevice);
  std::vector<std::byte*> addresses(program_->graph.values.size(), nullptr);
  addresses[x] = x_.device();
  addresses[y] = y_.device();
  ENGINE_CHECK(program_->Bind(addresses, arena_.data(), nullptr).ok());
  stream_ = *device_->CreateStream();
}

absl::Status Tripling::Run(int tokens, float x) {
  std::fill_n(reinterpret_cast<float*>(x_.host()), kTokens * kColumns, x);
  RETURN_IF_ERROR(x_.Upload(*stream_, 0, kBytes));
  RETURN_IF_ERROR(RunExtents({.tokens = tokens}));
  RETURN_IF_ERROR(y_.Download(*stream_, kBytes));
  ASSIGN_OR_RETURN(const uint64_t ticket, stream_->Record());
  return stream_->Wait(ticket);
}

}  // namespace engine::gpu
