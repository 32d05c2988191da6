// SPDX-License-Identifier: MIT
#include "server/sqlite_store.h"

#include <sqlite3.h>
#include <sys/resource.h>

#include <csignal>
#include <thread>

#include "tests/server/temporary_folder.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::server;
using videocall::testing::TemporaryFolder;

namespace {

std::unique_ptr<SqliteStore> open_store(const TemporaryFolder& folder) {
  auto store = SqliteStore::create(folder.file("db"));
  ck_assert_msg(store.ok(), "%s",
                store.ok() ? "" : store.error().message.c_str());
  return *std::move(store);
}

void execute(const std::string& path, const char* sql) {
  sqlite3* database = nullptr;
  ck_assert_int_eq(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  ck_assert_int_eq(sqlite3_exec(database, sql, nullptr, nullptr, nullptr),
                   SQLITE_OK);
  sqlite3_close(database);
}

void assert_mentions(const Error& error, const char* word) {
  ck_assert_msg(error.message.find(word) != std::string::npos, "%s",
                error.message.c_str());
}

}  // namespace

VC_TEST(the_first_creates_and_the_others_find) {
  const TemporaryFolder folder;
  const auto store = open_store(folder);
  const auto first = store->open({"demo", 1000, "hash-1"});
  ck_assert(first.ok() && first->created);
  const auto second = store->open({"demo", 2000, "hash-2"});
  ck_assert(second.ok() && !second->created);
  ck_assert(second->meeting.creator_cookie_hash == "hash-1");
  ck_assert_int_eq(second->meeting.created_ms, 1000);
  ck_assert(store->open({"Demo", 3000, "hash-3"})->created);
  ck_assert(store->find("demo")->creator_cookie_hash == "hash-1");
  ck_assert(store->find("other").error().code == Errc::not_found);
  ck_assert(store->check().ok());
}

VC_TEST(meetings_outlive_the_process) {
  const TemporaryFolder folder;
  ck_assert(open_store(folder)->open({"demo", 1000, "hash-1"})->created);
  ck_assert(!open_store(folder)->open({"demo", 2000, "hash-2"})->created);
}

VC_TEST(one_of_many_at_once_creates) {
  const TemporaryFolder folder;
  const auto first = open_store(folder);
  const auto second = open_store(folder);
  std::atomic<int> created{0};
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      for (int meeting = 0; meeting < 20; ++meeting) {
        auto& store = i % 2 == 0 ? *first : *second;
        const auto opened =
            store.open({std::to_string(meeting), i, std::to_string(i)});
        if (!opened) ++failed;
        if (opened && opened->created) ++created;
      }
    });
  for (auto& thread : threads) thread.join();
  ck_assert_int_eq(failed, 0);
  ck_assert_int_eq(created, 20);
}

VC_TEST(a_newer_database_is_refused) {
  const TemporaryFolder folder;
  open_store(folder);
  execute(folder.file("db"), "PRAGMA user_version = 999");
  const auto store = SqliteStore::create(folder.file("db"));
  ck_assert(!store.ok());
  assert_mentions(store.error(), "a newer version of videocalld");
}

VC_TEST(what_is_no_database_is_refused_with_a_remedy) {
  const TemporaryFolder folder;
  folder.write("db", std::string(5000, 'x'));
  const auto store = SqliteStore::create(folder.file("db"));
  ck_assert(!store.ok());
  assert_mentions(store.error(), "damaged");
}

VC_TEST(a_path_that_cannot_be_opened_names_itself) {
  const auto store = SqliteStore::create("/nonexistent/db");
  ck_assert(!store.ok());
  assert_mentions(store.error(), "/nonexistent/db");
  assert_mentions(store.error(), "state-dir");
}

// A limit on file size stands in for the full disk.
VC_TEST(a_disk_without_room_is_an_error_and_not_a_crash) {
  const TemporaryFolder folder;
  const auto store = open_store(folder);
  ck_assert(store->open({"before", 1, "hash"})->created);
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit none = {0, RLIM_INFINITY};
  ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
  const auto full = store->open({"demo", 1, "hash"});
  ck_assert(!full.ok());
  assert_mentions(full.error(), "cannot write the database");
  // What is there can still be read, and it goes on once there is room.
  ck_assert(store->find("before").ok());
  const rlimit again = {RLIM_INFINITY, RLIM_INFINITY};
  ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &again), 0);
  ck_assert(store->open({"demo", 1, "hash"}).ok());
}

VC_SUITE_MAIN("server/sqlite_store")
