// SPDX-License-Identifier: Apache-2.0
// stapes-firmware: the firmware as a program of this machine.
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "app/event_sink.h"
#include "app/listener.h"
#include "app/pipeline.h"
#include "app/version.h"
#include "boards/board.h"
#include "boards/common/start_wake.h"
#include "boards/host/model_file.h"
#include "boards/host/wav.h"
#include "link/line_writer.h"
#include "stapes_model.h"

namespace stapes {
namespace {

constexpr int kCannotWrite = 1;
constexpr int kUsersMistake = 2;

// Samples between two looks at whether somebody still reads the output.
constexpr std::size_t kPieceSamples = 32768;

constexpr char kHelp[] =
    "Usage: stapes-firmware [--scores] [--raw] FILE.wav|-\n"
    "       stapes-firmware --link [--models FILE]\n"
    "\n"
    "Replays audio through the firmware's code and prints the lines of the serial protocol\n"
    "(docs/protocol.md) on standard output.\n"
    "\n"
    "  FILE.wav   16-bit PCM, mono, at the model's sample rate; - reads standard input\n"
    "  --raw      the input is bare 16-bit samples, low byte first\n"
    "  --scores   print the scores of every frame as well\n"
    "  --link     speak the serial protocol on standard input and output, as a board does\n"
    "  --models   with --link: a file for models that come over the link; created if missing\n"
    "  --version  print the version and the compiled-in model\n"
    "  --help     print this text\n"
    "\n"
    "Exit status: 0, 1 when output cannot be written, 2 for input that does not fit.\n"
    "\n"
    "Example: stapes-firmware --scores streaming_test.wav\n"
    "         arecord -q -f S16_LE -r 16000 -t raw | stapes-firmware --raw -\n";

struct Options {
  bool scores = false;
  bool raw = false;
  bool link = false;
  const char* input = nullptr;
  const char* models = nullptr;
};

int Fail(const std::string& message) {
  std::fprintf(stderr, "stapes-firmware: error: %s\n", message.c_str());
  return kUsersMistake;
}

// False once output was lost or a pipe's reader has gone. While nothing is detected, nothing is
// written, so no failed write would show the latter.
bool OutputIsTaken() {
  pollfd output = {STDOUT_FILENO, 0, 0};
  const bool gone = poll(&output, 1, 0) > 0 && (output.revents & (POLLERR | POLLNVAL)) != 0;
  return !gone && std::ferror(stdout) == 0;
}

// The exit status after all output.
int Finish() {
  if (std::fflush(stdout) == 0 && OutputIsTaken()) {
    return 0;
  }
  std::fputs(
      "stapes-firmware: error: standard output: cannot be written, expected room on the disk or a "
      "program that reads; check the disk or the next program\n",
      stderr);
  return kCannotWrite;
}

// Lines on standard output, each at once: somebody may be watching.
class StdoutSink : public CharacterSink {
 public:
  void Put(char character) override { std::putchar(character); }
  void EndLine() override { std::fflush(stdout); }
};

alignas(16) uint8_t arena[kArenaBytes];
alignas(8) uint8_t front_end_work[kFrontEndWorkBytes];
alignas(4) uint8_t decoder_work[kDecoderWorkBytes];

// Bytes of a file or of standard input, as they come.
class Input {
 public:
  explicit Input(const char* path)
      : file_(std::strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY)) {}
  ~Input() {
    if (mapped_ != nullptr) {
      munmap(mapped_, mapped_bytes_);
    }
    if (file_ >= 0) {
      close(file_);
    }
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  // Appends some bytes; false at the end. An error ends the input and stays in `errno`.
  bool Read(std::vector<uint8_t>* bytes) {
    if (file_ < 0) {
      return false;  // errno is that of open
    }
    uint8_t some[65536];
    ssize_t count = 0;
    do {
      errno = 0;
      count = read(file_, some, sizeof some);
    } while (count < 0 && errno == EINTR);
    bytes->insert(bytes->end(), some, some + (count > 0 ? count : 0));
    return count > 0;
  }

  // All bytes. A file is mapped into memory, and read only where it is looked at; a pipe is read
  // into `bytes`. Errors as in `Read`.
  Span<const uint8_t> All(std::vector<uint8_t>* bytes) {
    struct stat about;
    if (file_ >= 0 && fstat(file_, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0 &&
        lseek(file_, 0, SEEK_CUR) == 0) {
      const std::size_t size = static_cast<std::size_t>(about.st_size);
      void* mapped = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file_, 0);
      if (mapped != MAP_FAILED) {
        errno = 0;
        mapped_ = mapped;
        mapped_bytes_ = size;
        return {static_cast<const uint8_t*>(mapped), size};
      }
    }
    while (Read(bytes)) {
    }
    return {bytes->data(), bytes->size()};
  }

 private:
  int file_;
  void* mapped_ = nullptr;
  std::size_t mapped_bytes_ = 0;
};

std::string CannotRead(const char* expected) {
  return std::string("cannot be read (") + std::strerror(errno) + "), expected " + expected +
         "; check the path";
}

class Replay {
 public:
  // Each returns an empty text, or what is wrong with the input or the model. Playing stops early
  // when nobody takes the output.
  std::string Init(bool send_scores) {
    const char* reason = pipeline_.Init(kModel, {arena, front_end_work, decoder_work});
    if (reason != nullptr) {
      return std::string(kModel.name) + ": " + reason + "; export it again";
    }
    const StartedWake wake = StartWake(pipeline_, lines_);
    if (wake.reason != nullptr) {
      return std::string("the wake word's model: ") + wake.reason + "; export it again";
    }
    alone_.emplace(lines_, pipeline_);
    listener_ = wake.listener == nullptr ? &*alone_ : wake.listener;
    listener_->SendScores(send_scores);
    return "";
  }

  std::string PlayWav(Input& input, const char* name) {
    std::vector<uint8_t> bytes;
    const Span<const uint8_t> file = input.All(&bytes);
    if (errno != 0) {
      return CannotRead("a WAV file");
    }
    Wav wav;
    const std::string error = ReadWav(file, kModel.sample_rate, &wav);
    if (error.empty()) {
      if (wav.open_ended) {
        std::fprintf(stderr,
                     "stapes-firmware: note: %s: its header does not say how long it is (written "
                     "into a pipe, or never finished); read to the end of the file\n",
                     name);
      }
      Hello();
      PushBytes(wav.samples);
      listener_->WriteDone();
    }
    return error;
  }

  // Samples are processed as they come: the input may be a microphone.
  std::string PlayRaw(Input& input) {
    std::vector<uint8_t> bytes;
    bool begun = false;
    while (OutputIsTaken() && input.Read(&bytes)) {
      if (!begun) {
        Hello();
        begun = true;
      }
      const std::size_t whole = bytes.size() / 2 * 2;
      PushBytes({bytes.data(), whole});
      bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(whole));
    }
    if (!OutputIsTaken()) {
      return "";
    }
    if (errno != 0) {
      return CannotRead("16-bit samples");
    }
    if (!begun || !bytes.empty()) {
      return begun
                 ? "found half a sample at the end, expected whole 16-bit samples; record it again"
                 : "found no samples, expected at least one; record it again";
    }
    listener_->WriteDone();
    return "";
  }

 private:
  // Of 16-bit samples, low byte first.
  void PushBytes(Span<const uint8_t> bytes) {
    std::vector<int16_t> piece;
    while (!bytes.empty() && OutputIsTaken()) {
      const std::size_t left = bytes.size() / 2;
      piece.resize(left < kPieceSamples ? left : kPieceSamples);
      for (std::size_t i = 0; i < piece.size(); ++i) {
        piece[i] = static_cast<int16_t>(bytes[2 * i] | (bytes[2 * i + 1] << 8));
      }
      listener_->Push({piece.data(), piece.size()});
      bytes = bytes.Skip(2 * piece.size());
    }
  }

  void Hello() { WriteHello(lines_, kModel, {STAPES_BOARD_NAME, 0}, kUnasked, listener_); }

  StdoutSink sink_;
  LineWriter lines_{sink_};
  Pipeline pipeline_;
  std::optional<PlainListener> alone_;
  Listener* listener_ = nullptr;
};

int Play(const Options& options) {
  Replay replay;
  if (const std::string error = replay.Init(options.scores); !error.empty()) {
    return Fail(error);
  }
  Input input(options.input);
  const std::string error =
      options.raw ? replay.PlayRaw(input) : replay.PlayWav(input, options.input);
  if (!error.empty()) {
    return Fail(std::string(options.input) + ": " + error);
  }
  return Finish();
}

int PrintVersion() {
  std::printf("stapes-firmware %s\nmodel %s, SHA-256 %s\n", kFirmwareVersion, kModel.name,
              kModel.sha256);
  return Finish();
}

int Main(int count, char** words) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--help" || word == "-h") {
      std::fputs(kHelp, stdout);
      return Finish();
    }
    if (word == "--version") {
      return PrintVersion();
    }
    if (word == "--scores") {
      options.scores = true;
    } else if (word == "--raw") {
      options.raw = true;
    } else if (word == "--link") {
      options.link = true;
    } else if (word == "--models" && i + 1 < count) {
      options.models = words[++i];
    } else if (word.size() > 1 && word[0] == '-') {
      return Fail("found " + word + ", expected one of the options of --help; correct it");
    } else if (options.input != nullptr) {
      return Fail("found a second input " + word + ", expected one; replay them one by one");
    } else {
      options.input = words[i];
    }
  }
  if (options.link == (options.input != nullptr)) {
    return Fail("expected one FILE.wav, - or --link; see stapes-firmware --help");
  }
  if (options.link && (options.raw || options.scores)) {
    return Fail("found --link with --raw or --scores, expected it alone; the host asks for scores");
  }
  if (options.models != nullptr && !options.link) {
    return Fail("found --models without --link, expected both; add --link");
  }
  if (options.models != nullptr && !board::UseModelFile(options.models)) {
    return Fail(std::string(options.models) + ": " + std::strerror(errno) +
                ", expected a file to keep models in; choose another");
  }
  if (options.link) {
    board::Init();
    return RunFirmware();
  }
  return Play(options);
}

}  // namespace
}  // namespace stapes

int main(int count, char** words) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that has gone shows as a failed write
  return stapes::Main(count, words);
}
