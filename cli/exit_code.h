// SPDX-License-Identifier: MIT
// What videocall-cli ends with. Scripts rely on the numbers; docs/cli.md and
// --help list them.
#pragma once

namespace videocall::cli {

enum ExitCode : int {
  kOk = 0,             // done, or left in order after Ctrl-C
  kInternal = 1,       // a bug, or the machine is out of something
  kUsage = 2,          // a flag or value is wrong
  kNoDevice = 3,       // no such camera or microphone, or it is in use
  kUnreachable = 4,    // the server does not answer
  kRefused = 5,        // the server answered no
  kCertificate = 6,    // the server's certificate is not trusted
  kPipeline = 7,       // an element is missing or failed
  kDescription = 8,    // a description file has faults
  kRecording = 9,      // a recording could not be written
  kBoundBroken = 10,   // loadtest: a bound that was given is broken
  kInterrupted = 130,  // second Ctrl-C: left at once
};

inline constexpr char kExitCodeHelp[] =
    "Exit codes:\n"
    "  0  done, or left in order after Ctrl-C\n"
    "  1  internal error\n"
    "  2  a flag or value is wrong\n"
    "  3  no such camera or microphone, or it is in use\n"
    "  4  the server does not answer\n"
    "  5  the server refused\n"
    "  6  the server's certificate is not trusted\n"
    "  7  the pipeline failed, or an element is missing\n"
    "  8  a description file has faults\n"
    "  9  a recording could not be written\n"
    "  10  loadtest: a bound is broken\n"
    "  130  Ctrl-C pressed twice: left at once\n";

}  // namespace videocall::cli
