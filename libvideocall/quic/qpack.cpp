// SPDX-License-Identifier: MIT
#include "libvideocall/quic/qpack.h"

#include <nghttp3/nghttp3.h>

#include <memory>

namespace videocall::quic::h3 {
namespace {

struct Buffer {
  Buffer() { nghttp3_buf_init(&buf); }
  ~Buffer() { nghttp3_buf_free(&buf, nghttp3_mem_default()); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  void append_to(std::vector<uint8_t>& out) const {
    out.insert(out.end(), buf.pos, buf.last);
  }
  nghttp3_buf buf;
};

struct Decoder {
  ~Decoder() {
    if (context) nghttp3_qpack_stream_context_del(context);
    if (decoder) nghttp3_qpack_decoder_del(decoder);
  }
  nghttp3_qpack_decoder* decoder = nullptr;
  nghttp3_qpack_stream_context* context = nullptr;
};

std::string take(nghttp3_rcbuf* rcbuf) {
  const nghttp3_vec vec = nghttp3_rcbuf_get_buf(rcbuf);
  std::string text(reinterpret_cast<const char*>(vec.base), vec.len);
  nghttp3_rcbuf_decref(rcbuf);
  return text;
}

uint8_t* mutable_bytes(const std::string& text) {
  return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
}

// RFC 9114 section 4.2.2.
constexpr size_t kFieldOverhead = 32;

}  // namespace

Result<std::vector<uint8_t>> encode_fields(const Fields& fields) {
  nghttp3_qpack_encoder* created = nullptr;
  if (nghttp3_qpack_encoder_new(&created, 0, nghttp3_mem_default()) != 0)
    return Error{Errc::internal, "no memory for a QPACK encoder"};
  const std::unique_ptr<nghttp3_qpack_encoder,
                        decltype(&nghttp3_qpack_encoder_del)>
      encoder(created, nghttp3_qpack_encoder_del);
  std::vector<nghttp3_nv> pairs;
  for (const auto& [name, value] : fields)
    pairs.push_back({mutable_bytes(name), mutable_bytes(value), name.size(),
                     value.size(), NGHTTP3_NV_FLAG_NONE});
  Buffer prefix, section, instructions;
  if (nghttp3_qpack_encoder_encode(encoder.get(), &prefix.buf, &section.buf,
                                   &instructions.buf, 0, pairs.data(),
                                   pairs.size()) != 0)
    return Error{Errc::internal, "QPACK encoding failed"};
  std::vector<uint8_t> out;
  prefix.append_to(out);
  section.append_to(out);
  return out;
}

Result<Fields> decode_fields(Bytes section) {
  Decoder state;
  if (nghttp3_qpack_decoder_new(&state.decoder, 0, 0, nghttp3_mem_default()) ||
      nghttp3_qpack_stream_context_new(&state.context, 0,
                                       nghttp3_mem_default()))
    return Error{Errc::internal, "no memory for a QPACK decoder"};
  Fields fields;
  size_t decoded_bytes = 0;
  for (;;) {
    nghttp3_qpack_nv pair = {};
    uint8_t flags = 0;
    const nghttp3_ssize read = nghttp3_qpack_decoder_read_request(
        state.decoder, state.context, &pair, &flags, section.data(),
        section.size(), 1);
    if (read < 0) return Error{Errc::protocol, "a malformed field section"};
    section = section.subspan(static_cast<size_t>(read));
    if (flags & NGHTTP3_QPACK_DECODE_FLAG_BLOCKED)
      return Error{Errc::protocol, "a field section of the dynamic table"};
    if (flags & NGHTTP3_QPACK_DECODE_FLAG_EMIT) {
      Field field{take(pair.name), take(pair.value)};
      decoded_bytes +=
          field.first.size() + field.second.size() + kFieldOverhead;
      if (decoded_bytes > limits::kMaxHeaderSectionBytes)
        return Error{Errc::limit, "a field section that is too large"};
      fields.push_back(std::move(field));
    }
    if (flags & NGHTTP3_QPACK_DECODE_FLAG_FINAL) return fields;
    if (read == 0 && !(flags & NGHTTP3_QPACK_DECODE_FLAG_EMIT))
      return Error{Errc::protocol, "a truncated field section"};
  }
}

const std::string* find_field(const Fields& fields, std::string_view name) {
  for (const auto& [key, value] : fields)
    if (key == name) return &value;
  return nullptr;
}

}  // namespace videocall::quic::h3
