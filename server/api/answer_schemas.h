// What answers look like, for /openapi.json: the members that clients rely on. Answers may have more.
#pragma once

#include "server/api/json_value.h"

namespace engine {

// JSON schemas by the names that endpoints use (Endpoint::answer), and those that they refer to.
Json AnswerSchemas();

}  // namespace engine
