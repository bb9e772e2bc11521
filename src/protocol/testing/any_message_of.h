// AnyMessage over one generated message; included by generated sources only.
#pragma once

#include <memory>

#include "any_message.h"
#include "barnabas/protocol/records.h"

namespace barnabas::protocol::testing {

template <typename Message>
using FillFunction = void (*)(Message&, Filler&, std::int16_t);
template <typename Message>
using DescribeFunction = void (*)(const Message&, Describer&, std::int16_t);

template <typename Message, FillFunction<Message> kFill, DescribeFunction<Message> kDescribe>
class AnyMessageOf final : public AnyMessage {
 public:
  Status decode(Reader& in, std::int16_t version) override { return value_.decode(in, version); }
  Status encode(Writer& out, std::int16_t version) const override {
    return value_.encode(out, version);
  }
  void randomize(Filler& random, std::int16_t version) override {
    value_ = Message();
    kFill(value_, random, version);
  }
  void describe(Describer& out, std::int16_t version) const override {
    kDescribe(value_, out, version);
  }
  bool equals(const AnyMessage& other) const override {
    return value_ == static_cast<const AnyMessageOf&>(other).value_;
  }

 private:
  Message value_;
};

template <typename Message, FillFunction<Message> kFill, DescribeFunction<Message> kDescribe>
MessageType message_type(MessageKind kind, std::int16_t api_key) {
  return {Message::kName,
          kind,
          api_key,
          Message::kMinVersion,
          Message::kMaxVersion,
          []() -> std::unique_ptr<AnyMessage> {
            return std::make_unique<AnyMessageOf<Message, kFill, kDescribe>>();
          }};
}

}  // namespace barnabas::protocol::testing
