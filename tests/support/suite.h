// SPDX-License-Identifier: MIT
// Tests on check, one program per suite:
//
//   VC_TEST(parses_an_empty_packet) { ck_assert(...); }
//   VC_SUITE_MAIN("wire/packet")
//
// Each test runs in a process of its own (CK_FORK=no turns that off).
#pragma once

#include <check.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace videocall::testing {

inline std::vector<const TTest*>& registered_tests() {
  static std::vector<const TTest*> tests;
  return tests;
}

struct Registration {
  explicit Registration(const TTest* test) {
    registered_tests().push_back(test);
  }
};

inline int run_suite(const char* name) {
  Suite* suite = suite_create(name);
  TCase* tcase = tcase_create("all");
  tcase_set_timeout(tcase, 60);
  for (const TTest* test : registered_tests()) tcase_add_test(tcase, test);
  suite_add_tcase(suite, tcase);
  SRunner* runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  const int failed = srunner_ntests_failed(runner);
  // libgstcheck has a check of its own inside; linked before ours it runs no
  // test at all and says that all is well.
  const bool all_ran =
      srunner_ntests_run(runner) == static_cast<int>(registered_tests().size());
  srunner_free(runner);
  return failed == 0 && all_ran ? EXIT_SUCCESS : EXIT_FAILURE;
}

// What sets two texts apart, empty if nothing does. The texts may belong to
// temporaries of the call.
inline std::string difference(const char* actual, const char* expected) {
  const auto shown = [](const char* text) {
    return text ? '"' + std::string(text) + '"' : std::string("null");
  };
  if (shown(actual) == shown(expected)) return {};
  return shown(actual) + " is not " + shown(expected);
}

}  // namespace videocall::testing

// check's own keeps bare pointers, and reads them when the string of
// ck_assert_str_eq(name().c_str(), "anna") is gone.
#undef ck_assert_str_eq
#define ck_assert_str_eq(actual, expected)                                   \
  do {                                                                       \
    const std::string vc_difference =                                        \
        videocall::testing::difference((actual), (expected));                \
    ck_assert_msg(vc_difference.empty(), "%s: %s", #actual " == " #expected, \
                  vc_difference.c_str());                                    \
  } while (0)

#define VC_TEST(name)                                                      \
  static void name##_body();                                               \
  START_TEST(name) {                                                       \
    name##_body();                                                         \
  }                                                                        \
  END_TEST                                                                 \
  static const videocall::testing::Registration name##_registration(name); \
  static void name##_body()

#define VC_SUITE_MAIN(suite_name)                     \
  int main() {                                        \
    return videocall::testing::run_suite(suite_name); \
  }
