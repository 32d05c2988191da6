// SPDX-License-Identifier: MIT
#include "libvideocall/auth/secret_key.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "tests/support/suite.h"

using namespace videocall;

namespace {

// A folder of its own, removed at the end of the test.
struct TemporaryFolder {
  TemporaryFolder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "videocall-XXXXXX").string();
    ck_assert_ptr_nonnull(mkdtemp(name.data()));
    path = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  std::string file(const char* name) const { return (path / name).string(); }
  std::filesystem::path path;
};

void write_file(const std::string& path, const std::string& text, mode_t mode) {
  std::ofstream(path) << text;
  ck_assert_int_eq(chmod(path.c_str(), mode), 0);
}

}  // namespace

VC_TEST(a_created_key_is_read_back_and_is_private) {
  const TemporaryFolder folder;
  const auto created = SecretKey::load_or_create(folder.file("key"));
  ck_assert(created.ok());
  struct stat status {};
  ck_assert_int_eq(stat(folder.file("key").c_str(), &status), 0);
  ck_assert_uint_eq(status.st_mode & 0777, 0600);
  const auto read = SecretKey::load_or_create(folder.file("key"));
  ck_assert(read.ok());
  ck_assert(read->hex() == created->hex());
  // The temporary file is gone.
  ck_assert_int_eq(
      std::distance(std::filesystem::directory_iterator(folder.path),
                    std::filesystem::directory_iterator()),
      1);
}

VC_TEST(creators_at_the_same_time_get_one_key) {
  const TemporaryFolder folder;
  std::vector<std::string> keys(16);
  std::vector<std::thread> threads;
  for (auto& key : keys)
    threads.emplace_back([&key, &folder] {
      auto made = SecretKey::load_or_create(folder.file("key"));
      if (made) key = made->hex();
    });
  for (auto& thread : threads) thread.join();
  for (const auto& key : keys)
    ck_assert_str_eq(key.c_str(), keys.front().c_str());
  ck_assert_uint_eq(keys.front().size(), 64);
}

VC_TEST(a_key_that_others_can_read_is_refused) {
  const TemporaryFolder folder;
  write_file(folder.file("key"), SecretKey::generate().hex(), 0640);
  const auto read = SecretKey::load_or_create(folder.file("key"));
  ck_assert(!read.ok());
  ck_assert(read.error().code == Errc::permission);
  ck_assert(read.error().message.find("chmod 600") != std::string::npos);
}

VC_TEST(what_is_not_a_key_is_refused_and_kept) {
  const TemporaryFolder folder;
  const std::string good = SecretKey::generate().hex();
  for (const std::string& text :
       {std::string(), std::string("secret\n"), good.substr(1), good + "0",
        good + "\n\n", "g" + good.substr(1)}) {
    write_file(folder.file("key"), text, 0600);
    const auto read = SecretKey::load_or_create(folder.file("key"));
    ck_assert(!read.ok());
    ck_assert(read.error().code == Errc::invalid_argument);
  }
}

VC_TEST(a_folder_that_is_not_there_is_an_error_with_its_cause) {
  const auto made = SecretKey::load_or_create("/nonexistent/folder/key");
  ck_assert(!made.ok());
  ck_assert(made.error().message.find("No such file") != std::string::npos);
}

VC_TEST(hex_goes_both_ways) {
  const std::string hex =
      "00ff10203040506070809aabbccddeef0123456789abcdef0011223344556677";
  const auto key = SecretKey::from_hex(hex);
  ck_assert(key.ok());
  ck_assert_uint_eq(key->bytes()[1], 0xff);
  ck_assert(key->hex() == hex);
}

VC_TEST(random_text_is_base64url_of_the_right_length) {
  std::set<std::string> seen;
  for (size_t count = 1; count <= 33; ++count) {
    const std::string text = random_base64url(count);
    ck_assert_uint_eq(text.size(), (count * 8 + 5) / 6);
    for (const char c : text)
      ck_assert(std::isalnum(static_cast<unsigned char>(c)) || c == '-' ||
                c == '_');
    if (count >= 16) ck_assert(seen.insert(text).second);
  }
}

VC_SUITE_MAIN("auth/secret_key")
