// SPDX-License-Identifier: MIT
#include "server/sqlite_store.h"

#include <sqlite3.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace videocall::server {
namespace {

constexpr int kBusyTimeoutMs = 5'000;

// Each brings the tables from version N (its index) to N + 1. Only ever
// append: what stands here has run somewhere.
constexpr std::array kMigrations = {
    "CREATE TABLE meetings ("
    " id TEXT PRIMARY KEY NOT NULL,"
    " created_ms INTEGER NOT NULL,"
    " creator_cookie_hash TEXT NOT NULL"
    ") WITHOUT ROWID, STRICT;",
};

struct Finalize {
  void operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
  }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

Statement prepare(sqlite3* database, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database, sql, -1, &statement, nullptr) != SQLITE_OK)
    return nullptr;
  return Statement(statement);
}

void bind(const Statement& statement, int index, const std::string& text) {
  sqlite3_bind_text(statement.get(), index, text.data(),
                    static_cast<int>(text.size()), SQLITE_TRANSIENT);
}

std::string column(const Statement& statement, int index) {
  const auto* text = reinterpret_cast<const char*>(
      sqlite3_column_text(statement.get(), index));
  return text == nullptr ? std::string() : std::string(text);
}

}  // namespace

SqliteStore::SqliteStore(std::string path) : path_(std::move(path)) {}

SqliteStore::~SqliteStore() {
  sqlite3_close(database_);
}

Result<std::unique_ptr<SqliteStore>> SqliteStore::create(
    const std::string& path) {
  std::unique_ptr<SqliteStore> store(new SqliteStore(path));
  if (auto connected = store->connect(); !connected) return connected.error();
  if (auto migrated = store->migrate(); !migrated) return migrated.error();
  return store;
}

Result<void> SqliteStore::connect() {
  const int flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path_.c_str(), &database_, flags, nullptr) != SQLITE_OK)
    return failure("open");
  sqlite3_busy_timeout(database_, kBusyTimeoutMs);
  // WAL: readers never wait for the writer. A lost last transaction after a
  // power cut is a meeting that is created once more.
  return execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
}

Result<void> SqliteStore::migrate() {
  if (auto begun = execute("BEGIN IMMEDIATE"); !begun) return begun;
  int version = 0;
  {
    const Statement statement = prepare(database_, "PRAGMA user_version");
    if (!statement || sqlite3_step(statement.get()) != SQLITE_ROW)
      return failure("read");
    version = sqlite3_column_int(statement.get(), 0);
  }
  if (version > static_cast<int>(kMigrations.size()))
    return Error{Errc::unavailable,
                 "a newer version of videocalld made the database " + path_ +
                     "; run that version, or name another state-dir"};
  for (size_t i = static_cast<size_t>(version); i < kMigrations.size(); ++i)
    if (auto done = execute(kMigrations[i]); !done) return done;
  const std::string set =
      "PRAGMA user_version = " + std::to_string(kMigrations.size());
  if (auto done = execute(set.c_str()); !done) return done;
  return execute("COMMIT");
}

Result<void> SqliteStore::execute(const char* sql) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK)
    return {};
  const Error error = failure("write");
  if (sqlite3_get_autocommit(database_) == 0)
    sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
  return error;
}

Result<MeetingStore::Opened> SqliteStore::open(const Meeting& wanted) {
  const std::lock_guard lock(mutex_);
  // Most joins are to meetings that exist: only the first one writes.
  if (auto found = find_locked(wanted.id);
      found || found.error().code != Errc::not_found) {
    if (!found) return found.error();
    return Opened{*std::move(found), false};
  }
  {
    const Statement insert =
        prepare(database_,
                "INSERT INTO meetings (id, created_ms, creator_cookie_hash)"
                " VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING");
    if (!insert) return failure("write");
    bind(insert, 1, wanted.id);
    sqlite3_bind_int64(insert.get(), 2, wanted.created_ms);
    bind(insert, 3, wanted.creator_cookie_hash);
    if (sqlite3_step(insert.get()) != SQLITE_DONE) return failure("write");
  }
  const bool created = sqlite3_changes(database_) == 1;
  auto found = find_locked(wanted.id);
  if (!found) return found.error();
  return Opened{*std::move(found), created};
}

Result<Meeting> SqliteStore::find(const std::string& id) {
  const std::lock_guard lock(mutex_);
  return find_locked(id);
}

Result<Meeting> SqliteStore::find_locked(const std::string& id) {
  const Statement select =
      prepare(database_,
              "SELECT id, created_ms, creator_cookie_hash FROM meetings"
              " WHERE id = ?");
  if (!select) return failure("read");
  bind(select, 1, id);
  const int step = sqlite3_step(select.get());
  if (step == SQLITE_DONE) return Error{Errc::not_found, "no such meeting"};
  if (step != SQLITE_ROW) return failure("read");
  Meeting meeting;
  meeting.id = column(select, 0);
  meeting.created_ms = sqlite3_column_int64(select.get(), 1);
  meeting.creator_cookie_hash = column(select, 2);
  return meeting;
}

Result<void> SqliteStore::check() {
  const std::lock_guard lock(mutex_);
  // An empty write transaction finds a read-only or locked file; only a real
  // write would find a full disk, and that one is found by the join itself.
  if (auto begun = execute("BEGIN IMMEDIATE"); !begun) return begun;
  return execute("ROLLBACK");
}

Error SqliteStore::failure(const char* doing) const {
  const int code = sqlite3_errcode(database_);
  std::string remedy;
  switch (code & 0xff) {
    case SQLITE_FULL:
      remedy = "; the disk is full: make room";
      break;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      remedy = "; make it writable, or name another directory with state-dir";
      break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      remedy = "; the file is damaged: restore it from a backup or remove it";
      break;
    default:
      break;
  }
  const int system = sqlite3_system_errno(database_);
  if (system == ENOSPC) remedy = "; the disk is full: make room";
  std::string message = std::string("cannot ") + doing + " the database " +
                        path_ + ": " + sqlite3_errmsg(database_);
  if (system != 0) message += std::string(" (") + std::strerror(system) + ")";
  return Error{Errc::io, message + remedy};
}

}  // namespace videocall::server
