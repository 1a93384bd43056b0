// SPDX-License-Identifier: Apache-2.0
// What both engines promise behind nn/inference_engine.h. Built with -DSTAPES_ENGINE=tflm, the same
// tests compare upstream's runtime with the outputs of upstream's Python package.
#include <doctest/doctest.h>

#include <string>

#include "nn/all_operators.h"
#include "nn/builtin_names.h"
#include "nn/operators/operators.h"
#include "tests/firmware/nn_fixtures.h"

namespace stapes {
namespace {

constexpr std::size_t kEnough = 65536;  // for either engine

TEST_CASE("Models give the outputs that upstream gives, inference after inference") {
  for (const Fixture& fixture : kFixtures) {
    CAPTURE(fixture.name);
    Exact arena(kEnough);
    InferenceEngine engine;
    REQUIRE(engine.Init(fixture.model, AllOperators(), arena.span()) == Status::kOk);
    CHECK(Run(&engine, fixture) == Expected(fixture));
  }
}

TEST_CASE("Reset takes a stateful model back to its start") {
  for (const Fixture& fixture : kFixtures) {
    CAPTURE(fixture.name);
    Exact arena(kEnough);
    InferenceEngine engine;
    REQUIRE(engine.Init(fixture.model, AllOperators(), arena.span()) == Status::kOk);
    Run(&engine, fixture);
    engine.Reset();
    CHECK(Run(&engine, fixture) == Expected(fixture));
  }
}

TEST_CASE("An operator that is not linked in is refused by its index and code") {
  const Operator* const none_but_svdf[] = {&kOperatorWideSvdf};
  Exact arena(kEnough);
  InferenceEngine engine;
  CHECK(engine.Init(kSvdfModel, none_but_svdf, arena.span()) == Status::kRefused);
  CHECK(engine.error().operator_index == 1);
  CHECK(std::string(BuiltinName(engine.error().builtin_code)) == "FULLY_CONNECTED");
  CHECK(std::string(engine.error().reason) == "this engine has no such operator");
}

TEST_CASE("Bytes without the identifier are not a model") {
  const uint8_t zeros[64] = {};
  Exact arena(kEnough);
  InferenceEngine engine;
  CHECK(engine.Init(zeros, AllOperators(), arena.span()) == Status::kNotAModel);
  CHECK(engine.Init({}, AllOperators(), arena.span()) == Status::kNotAModel);
}

TEST_CASE("An engine that found its arena too small can start again in a larger one") {
  for (const Fixture& fixture : kFixtures) {
    CAPTURE(fixture.name);
    Exact small(64);
    Exact large(kEnough);
    InferenceEngine engine;
    CHECK(engine.Init(fixture.model, AllOperators(), small.span()) == Status::kArenaTooSmall);
    CHECK(engine.error().arena_bytes > 64);
    CHECK(engine.Invoke() == Status::kNotReady);
    REQUIRE(engine.Init(fixture.model, AllOperators(), large.span()) == Status::kOk);
    CHECK(engine.arena_used() > 64);
    CHECK(engine.arena_used() <= kEnough);
    CHECK(Run(&engine, fixture) == Expected(fixture));
  }
}

TEST_CASE("Input and output are described as the model has them") {
  Exact arena(kEnough);
  InferenceEngine engine;
  REQUIRE(engine.Init(kSvdfModel, AllOperators(), arena.span()) == Status::kOk);
  CHECK(engine.input().type == TensorType::kInt8);
  CHECK(engine.input().size == 7);
  CHECK(engine.input().shape.rank == 2);
  CHECK(engine.output().size == 3);
  CHECK(engine.output().scale_bits == 0x3b800000);  // a softmax: 1/256
  CHECK(engine.output().zero_point == -128);
}

}  // namespace
}  // namespace stapes
