// SPDX-License-Identifier: MIT
// What went wrong, what a person can do about it, and the exit code.
#pragma once

#include <gst/gst.h>

#include <string>

#include "cli/exit_code.h"
#include "libvideocall/base/result.h"

namespace videocall::cli {

struct Trouble {
  ExitCode code = kInternal;
  std::string text;
};

// An error message of a pipeline; |message| is borrowed.
[[nodiscard]] Trouble trouble_of(GstMessage* message);

// The "videocall-state" of a session that ended by itself. |state| is
// "refused" or "ended".
[[nodiscard]] Trouble trouble_of_session(const std::string& state,
                                         const std::string& reason,
                                         const std::string& code);

// An error of the loader: a value, a missing element, a file.
[[nodiscard]] Trouble trouble_of_settings(const Error& error);
[[nodiscard]] Trouble trouble_of_build(const Error& error);

// Whether |text| speaks of a certificate that was not accepted.
[[nodiscard]] bool is_about_certificates(const std::string& text);

inline constexpr char kCertificateRemedy[] =
    "Check the server's name and certificate; on a machine of your own, "
    "--insecure-skip-verify accepts any certificate";
inline constexpr char kServerRemedy[] =
    "Is videocalld running, is the address right (--url), and does a firewall "
    "let TCP and UDP through?";

}  // namespace videocall::cli
