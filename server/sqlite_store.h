// SPDX-License-Identifier: MIT
// Meetings in a SQLite file: the store of a single node.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "server/meeting_store.h"

struct sqlite3;
struct sqlite3_stmt;

namespace videocall::server {

class SqliteStore : public MeetingStore {
 public:
  // Opens or creates |path| and brings its tables up to date. Errors: io
  // (unwritable, full, damaged, in use by another daemon's migration),
  // unavailable (made by a newer version).
  static Result<std::unique_ptr<SqliteStore>> create(const std::string& path);
  ~SqliteStore() override;

  Result<Opened> open(const Meeting& wanted) override;
  Result<Meeting> find(const std::string& id) override;
  Result<void> check() override;

 private:
  explicit SqliteStore(std::string path);
  Result<void> connect();
  Result<void> migrate();
  Result<void> execute(const char* sql);
  Result<Meeting> find_locked(const std::string& id);
  Error failure(const char* doing) const;

  const std::string path_;
  std::mutex mutex_;  // guards the connection
  sqlite3* database_ = nullptr;
};

}  // namespace videocall::server
