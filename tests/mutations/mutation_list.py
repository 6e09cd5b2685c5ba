"""Bugs that people make in GPU code, each as an edit of the real source, and the layer that must find it:
  reference   conformance: the bits differ from the op's reference
  checks      the check build of the SIMT device: races, accesses out of bounds, bytes that nobody wrote
  threads     the SIMT device as such: threads that do not meet at a barrier or in a shuffle
  chunks      attention's bits must not depend on how a prompt is cut into steps (tests/conformance/attention_chunks_test.cc)
  counts      budgets of sectors and of bank conflicts, counted by the check build: right results that take too long
  host        unit tests of the host side over the SIMT device, whose queues run late and in any order
`old` occurs once in `file`. `unit` is what is compiled again: `file` itself, or a source that includes it."""

from typing import NamedTuple

DIFFERS = "the reference has"
RACE = "memory: race:"
BOUNDS = "out of bounds"
UNWRITTEN = "that nobody wrote"


class Mutation(NamedTuple):
    name: str
    layer: str
    shows: str  # in what the test prints
    file: str
    old: str
    new: str
    test: str
    unit: str
    cases: str  # of the test, as gtest filters them
    warp: int
    quick: bool  # in `make test`


def kernel(name, op, layer, shows, file, old, new, unit=None, cases="*", warp=32, quick=False):
    file = f"backends/gpu/{file}"
    unit = f"backends/gpu/{unit}" if unit else file
    return Mutation(name, layer, shows, file, old, new, f"conformance_{op}_test", unit, cases, warp, quick)


def chunks(name, file, old, new, cases, quick=False):
    unit = "backends/gpu/paged_attention.cu"
    test = "conformance_attention_chunks_test"
    return Mutation(name, "chunks", DIFFERS, f"backends/gpu/{file}", old, new, test, unit, cases, 32, quick)


def counted(name, shows, file, old, new, cases, unit=None):
    file = f"backends/gpu/{file}"
    unit = f"backends/gpu/{unit}" if unit else file
    return Mutation(name, "counts", shows, file, old, new, "access_budgets_test", unit, cases, 32, True)


def host(name, shows, file, old, new, test="gpu_stream_test", cases="*", quick=False):
    file = f"backends/gpu/{file}"
    return Mutation(name, "host", shows, file, old, new, test, file, cases, 32, quick)


MUTATIONS = [
    # Tails.
    kernel("an_element_too_many", "add", "checks", BOUNDS, "add.cu", "i < args.count", "i <= args.count", quick=True),
    kernel("a_tail_cut_off", "gather_rows", "reference", DIFFERS, "gather_rows.cu", "i < args.d;", "i < args.d - 1;",
           quick=True),
    kernel("a_read_past_the_row", "quantise", "checks", BOUNDS, "quantise.cu", "i < args.n ?", "i <= args.n ?", quick=True),
    kernel("surplus_heads_that_count", "rope", "checks", BOUNDS, "heads.cu",
           "kHeadsPerBlock + Tid() / 32 >= args.num_heads", "kHeadsPerBlock + Tid() / 32 > args.num_heads", quick=True),
    kernel("rows_that_do_not_exist_stored", "linear", "checks", BOUNDS, "panel_task.h",
           "if (column >= args.n) return;", "", unit="linear_plain.cu", cases="*bf16*"),
    kernel("a_merge_past_the_last_row", "paged_attention", "checks", UNWRITTEN, "paged_attention.cu",
           "i) < tile.rows; ++i) {\n    const int r = out.Row(i);\n    args.out[tile.Offset(args, r) + out.dim] = Merged",
           "i) <= tile.rows; ++i) {\n    const int r = out.Row(i);\n    args.out[tile.Offset(args, r) + out.dim] = Merged"),
    kernel("weights_fetched_past_the_panel", "linear", "checks", BOUNDS, "block_product.h",
           "if (Has(Left(chunk), i)) packed", "packed", unit="linear_q4.cu", cases="*q4_0*"),
    # Barriers and shuffles.
    kernel("no_barrier_in_a_sum", "rms_norm", "checks", RACE, "port/collectives.h",
           "if (i < half) shared.partials[i] += shared.partials[i + half];\n    SyncBlock();",
           "if (i < half) shared.partials[i] += shared.partials[i + half];", unit="rms_norm.cu", quick=True),
    kernel("threads_gone_before_a_shuffle", "head_rms_norm", "threads", "returns while lane", "heads.cu",
           "const int64_t begin = HeadIndex(args) * args.head_dim;",
           "if (Tid() % 32 >= args.head_dim) return;\n  const int64_t begin = HeadIndex(args) * args.head_dim;"),
    kernel("a_barrier_in_a_branch", "rms_norm", "threads", "SyncBlock of line", "port/collectives.h",
           "if (i < half) shared.partials[i] += shared.partials[i + half];\n    SyncBlock();",
           "if (i < half) {\n      shared.partials[i] += shared.partials[i + half];\n      SyncBlock();\n    }",
           unit="rms_norm.cu", quick=True),
    kernel("a_pass_over_sums_in_use", "linear", "checks", RACE, "block_product.h",
           "SyncBlock();  // the other half of `inner` is free: everyone has passed the pass that read it", "",
           unit="linear_q4.cu", cases="*q4_0*"),
    kernel("a_stage_read_before_it_is_there", "linear", "checks", RACE, "matrix_tile.h",
           "source.End(begin + kStageGroups, next);\n    SyncBlock();", "source.End(begin + kStageGroups, next);",
           unit="linear_q4.cu", cases="*q4_0*"),
    kernel("a_copy_not_waited_for", "linear", "reference", DIFFERS, "tile_product.h", "CpAsyncWait<0>();",
           "CpAsyncWait<1>();", unit="linear_q4.cu", cases="*q4_0*"),
    kernel("a_copy_into_the_stage_in_use", "linear", "checks", RACE, "matrix_tile.h",
           "shared.stages[(begin / kStageGroups + 1) % 2]", "shared.stages[begin / kStageGroups % 2]",
           unit="linear_q4.cu", cases="*q4_0*"),
    kernel("a_pass_over_the_pass_before", "linear", "checks", RACE, "block_product.h", "shared.inner[pass % 2][group]",
           "shared.inner[0][group]", unit="linear_q4.cu", cases="*q4_0*"),
    kernel("scales_over_scales_in_use", "linear", "checks", RACE, "block_product.h", "shared.x_scales[(pass + 1) % 4]",
           "shared.x_scales[(pass + 1) % 2]", unit="linear_q4.cu", cases="*q4_0*"),
    kernel("sums_of_a_tile_read_too_early", "gated_mlp", "checks", UNWRITTEN, "matrix_tile.h",
           "warp.StoreSums(shared);\n  SyncBlock();", "warp.StoreSums(shared);", unit="linear_q4.cu", cases="*q4_0*"),
    kernel("scores_over_weights_in_use", "paged_attention", "checks", RACE, "paged_attention.cu",
           "SyncBlock();  // the next partition's scores take the place of these weights", "", cases="*_prefill"),
    kernel("a_key_over_the_last_key", "sample", "checks", RACE, "sample_order.h",
           "SyncBlock();  // everyone has read the last result", "", unit="sample.cu"),
    kernel("a_shuffle_over_half_a_group", "kv_write", "reference", DIFFERS, "kv_write.cu", "GroupMax<32>(largest)",
           "GroupMax<16>(largest)", cases="*int8*:*i8*", quick=True),
    kernel("sums_left_in_one_lane", "rms_norm", "reference", DIFFERS, "port/collectives.h", "return Shfl(sum, 0);",
           "return sum;", unit="rms_norm.cu"),
    kernel("a_warp_of_32_assumed", "rms_norm", "reference", DIFFERS, "port/collectives.h", "half >= kWarp;",
           "half >= 32;", unit="rms_norm.cu", warp=64, quick=True),
    # Masks, operands, orders.
    kernel("a_token_sees_its_successor_late", "paged_attention", "reference", DIFFERS, "attention_tile.h",
           "first_position + (first_row + r) / group + 1; }", "first_position + (first_row + r) / group; }",
           unit="paged_attention.cu"),
    kernel("a_window_one_too_wide", "paged_attention", "reference", DIFFERS, "attention_tile.h",
           "End(r) - args.window : 0", "End(r) - args.window - 1 : 0", unit="paged_attention.cu", cases="*window*"),
    kernel("a_grammar_mask_shifted", "sample", "reference", DIFFERS, "sample.cu", "mask[i / 32] >> (i % 32)",
           "mask[i / 32] >> (i % 31)"),
    kernel("a_rotation_backwards", "rope", "reference", DIFFERS, "heads.cu", "Fma(-x1, table[i + half], x0 * table[i])",
           "Fma(x1, table[i + half], x0 * table[i])", quick=True),
    kernel("gate_and_up_swapped", "silu_mul", "reference", DIFFERS, "silu_mul.cu",
           "Activate(args.activation, args.gate[at]) * args.up[at]",
           "Activate(args.activation, args.up[at]) * args.gate[at]", quick=True),
    kernel("the_wrong_operand_normalised", "add_rms_norm", "reference", DIFFERS, "rms_norm.cu",
           "(kAdd ? args.sum : args.x) + row", "args.x + row"),
    kernel("a_token_of_the_last_step_misread", "embedding", "reference", DIFFERS, "embedding.cu",
           "args.previous[-1 - token]", "args.previous[-token - (token < -1)]"),
    kernel("the_first_slot_never_written", "kv_write", "reference", DIFFERS, "kv_write.cu", "slot >= 0", "slot > 0", quick=True),
    kernel("sums_of_the_wrong_width", "quantise", "reference", DIFFERS, "store_row.h", "GroupSum<kSumGroup>",
           "GroupSum<kActivationGroup>", unit="quantise.cu", quick=True),
    kernel("a_block_of_another_size", "linear", "reference", DIFFERS, "weight_group.h", "group >> panel.block_shift",
           "group >> 1", unit="linear_w4.cu", cases="*w4_g128*"),
    kernel("a_zero_point_left_in", "linear", "reference", DIFFERS, "tile_product.h",
           "if constexpr (!kRecord.has_zero_points) return quad;", "return quad;", unit="linear_w4.cu", cases="*w4_g32_*",
           quick=True),
    kernel("a_scale_of_integers_as_they_were", "linear", "reference", DIFFERS, "tile_product.h",
           "w.scale[s] * (1.0f / kWidening<kType>)", "w.scale[s]", unit="linear_q4.cu", cases="*q4_0*"),
    kernel("chunks_not_kept_apart", "linear", "reference", DIFFERS, "block_product.h",
           "+ acc;\n    acc = 0.0f;", "+ acc;", unit="linear_q4.cu", cases="*q4_0*"),
    kernel("a_pair_in_the_wrong_order", "linear", "reference", DIFFERS, "pair_chain.h",
           "four.words[2 * j + 1]), HighBf16(words[i + j]), may_begin, acc);\n"
           "      const bool even = PlainStep(BitsToFloat(four.words[2 * j]), LowBf16(words[i + j]), may_begin, acc);",
           "four.words[2 * j]), LowBf16(words[i + j]), may_begin, acc);\n"
           "      const bool even = PlainStep(BitsToFloat(four.words[2 * j + 1]), HighBf16(words[i + j]), may_begin, acc);",
           unit="linear_plain.cu", cases="*bf16*"),
    kernel("a_tiny_sum_taken_for_plain", "linear", "reference", DIFFERS, "pair_chain.h", "  return plain;\n", "  return true;\n",
           unit="linear_plain.cu", cases="*bf16*"),
    kernel("values_shared_before_they_are_read", "linear", "checks", RACE, "plain_chunk.h", "shared_x[i % 2]", "shared_x[0]",
           unit="linear_plain.cu", cases="*bf16*"),
    kernel("a_sum_in_another_order", "paged_attention", "reference", DIFFERS, "attention_softmax.h",
           "(quarters[0] + quarters[2]) + (quarters[1] + quarters[3])",
           "(quarters[0] + quarters[1]) + (quarters[2] + quarters[3])", unit="paged_attention.cu"),
    kernel("sums_in_the_wrong_rows_of_mma", "linear", "reference", DIFFERS, "port/matrix_layout.h",
           "lane / 4 + value / 2 % 2 * 8", "lane / 4 + value / 2 * 8", unit="linear_q4.cu", cases="*q4_0*"),
    kernel("sums_in_the_wrong_rows_of_mfma", "linear", "reference", DIFFERS, "port/matrix_layout.h",
           "lane / 16 * 4 + value", "lane / 16 + value * 4", unit="linear_q4.cu", cases="*q4_0*", warp=64),
    kernel("rows_in_the_wrong_lanes_of_mma", "linear", "reference", DIFFERS, "port/matrix_layout.h",
           "lane / 4 + word % 2 * 8", "lane / 4 + word / 2 * 8", unit="linear_q4.cu", cases="*q4_0*"),
    kernel("a_segment_counted_in_both_halves", "linear", "reference", DIFFERS, "tile_product.h",
           "MultiplyInt8Half<1>", "MultiplyInt8Half<0>", unit="linear_k.cu", cases="*q6_k*"),
    kernel("a_chunk_over_the_last_chunk", "linear", "reference", DIFFERS, "matrix_tile.h",
           "*y = is_first ? sum : *y + sum", "*y = sum", unit="linear_q4.cu", cases="*q4_0*"),
    kernel("the_last_chunk_alone", "gated_mlp", "reference", DIFFERS, "matrix_tile.h",
           "is_first ? sum : task.weight.y[at] + sum);", "sum);", unit="linear_q4.cu", cases="*q4_0*"),
    kernel("gate_and_up_swapped_in_a_tile", "gated_mlp", "reference", DIFFERS, "matrix_tile.h",
           "PanelTask(args, index % 2, index / 2)", "PanelTask(args, 1 - index % 2, index / 2)", unit="linear_q4.cu",
           cases="*q4_0*", quick=True),
    kernel("a_gate_that_is_its_up", "gated_mlp", "reference", DIFFERS, "block_product.h", "exists ? Result(0, panel)",
           "exists ? Result(1, panel)", unit="linear_q4.cu", cases="*q4_0*"),
    kernel("a_copy_never_waited_for", "linear", "threads", "asynchronous copies", "narrow_tile.h", "CpAsyncWait<0>();", "",
           unit="linear_plain.cu", cases="*bf16*"),
    kernel("a_row_beyond_the_last", "linear", "checks", BOUNDS, "narrow_tile.h", "column < args.n ? column : args.n - 1",
           "column", unit="linear_plain.cu", cases="*/bf16_n40_k2080"),
    kernel("a_scale_of_another_row", "linear", "reference", DIFFERS, "matrix_tile.h",
           "args.x_scales[tokens.first + token]", "args.x_scales[tokens.first]", unit="linear_plain.cu", cases="*/f16_*"),
    kernel("a_largest_value_read_too_early", "linear", "checks", UNWRITTEN, "narrow_rows.cu",
           "SyncBlock();\n  for (const uint32_t other", "for (const uint32_t other", cases="*/f16_*", quick=True),
    kernel("values_that_nobody_sees", "paged_attention", "reference", DIFFERS, "attention_matrix.h",
           "pair &= half == 0 ? 0xffff0000u : 0x0000ffffu;", "", unit="paged_attention.cu",
           cases="*/bf16_one_partition"),
    kernel("keys_over_keys_in_use", "paged_attention", "checks", RACE, "attention_matrix.h",
           "      AwaitPart();\n      if (next < end) {", "      if (next < end) {", unit="paged_attention.cu",
           cases="*/bf16_one_partition"),
    kernel("tokens_that_a_row_must_not_see", "paged_attention", "reference", DIFFERS, "attention_matrix.h",
           "if (!all_see) warp.HideScores(start);", "", unit="paged_attention.cu", cases="*/bf16_one_partition"),
    kernel("a_hidden_token_with_a_weight", "paged_attention", "reference", DIFFERS, "attention_warp.h",
           "scores[m][n].values[i] = -std::numeric_limits<float>::infinity()", "scores[m][n].values[i] = -300.0f",
           unit="paged_attention.cu", cases="*/bf16_beside_huge"),
    kernel("totals_of_a_row_half_merged", "paged_attention", "checks", RACE, "attention_warp.h",
           "SyncWarp();  // all lanes of the row have it", "", unit="paged_attention.cu", cases="*/bf16_one_partition"),
    # Bits that depend on what else a step has.
    chunks("sums_that_shrink_without_a_larger_score", "attention_warp.h", "largest > maximum[m][index] ? FastExp2(",
           "true ? FastExp2(", cases="*DoNotChangeATokensBits/head64", quick=True),
    chunks("partitions_that_begin_where_a_tile_does", "attention_matrix.h",
           "start - start % kPartitionTokens + kPartitionTokens", "start + kPartitionTokens",
           cases="*DoNotChangeATokensBits/window301"),
    chunks("a_token_that_spoils_those_before", "attention_warp.h", "if ((tokens & seen) != 0)", "",
           cases="*HideAToken*/head64"),
    chunks("a_partition_merged_before_it_is_left", "attention_warp.h", "row = own;",
           "factors = row.Merge(own.maximum, own.sum);", cases="*AKeyThat*/head64"),
    # Memory left over.
    kernel("digits_not_cleared", "sample", "checks", UNWRITTEN, "sample_cut.h", "    Clear(shared.digits);\n", "",
           unit="sample.cu"),
    # What nobody would see but a clock.
    counted("sums_that_meet_in_a_bank", "turns of shared memory for each request", "linear.h",
            "[(row + token * 4) % kPanelRows]", "[row]", "*linear_q4_0", unit="linear_q4.cu"),
    counted("a_walk_across_lines", "sectors for each ideal one", "add.cu", "kAdd.threads + Tid(); i",
            "kAdd.threads + Tid() % 8 * 32 + Tid() / 8; i", "*/add"),
    # The host.
    kernel("a_tile_of_tokens_forgotten", "linear", "reference", DIFFERS, "linear_launch.cc",
           ".y = DivideUp(args.rows, kTileTokens)}", ".y = std::max<int64_t>(1, args.rows / kTileTokens)}", cases="*q4_0*"),
    kernel("a_slice_over_the_first_slice", "linear", "reference", DIFFERS, "linear_launch.cc",
           "args.weights[0].y += int64_t{first} * args.n;", "args.weights[0].y += 0;", cases="*/f16_*"),
    host("a_wait_that_does_not_wait", "Which is", "gpu_stream.cc", "return Stick(device_.driver().Synchronize(last));",
         "return status_;", quick=True),
    host("an_event_never_recorded", "Which is", "gpu_stream.cc",
         "RETURN_IF_ERROR(Stick(device_.driver().Record(queue_, free_events_.back())));", ""),
    host("a_graph_of_other_extents", "Which is", "replay_cache.cc",
         "entry.program == &program && entry.extents == extents", "entry.program == &program", quick=True),
]
