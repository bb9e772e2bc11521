// Plays a script of events to a Group and writes down what comes out, one word group an effect, so
// that a test is a table of lines. THREAD: the test's one thread
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/group.h"

namespace barnabas::coordinator {

inline ByteVector bytes_of(std::string_view text) {
  const auto view = as_bytes(text);
  return {view.begin(), view.end()};
}

class GroupPlayer {
 public:
  static constexpr std::int64_t kStartMs = 1'000'000;
  static constexpr std::int32_t kSessionMs = 10'000;
  static constexpr std::int32_t kRebalanceMs = 60'000;

  explicit GroupPlayer(GroupLimits limits = {}) : limits(limits), group("g", this->limits, now()) {}

  [[nodiscard]] Moment now() const {
    return {MonotonicTime{} + std::chrono::milliseconds(ms_), kStartMs + ms_};
  }

  // What a request looks like unless a test says otherwise.
  [[nodiscard]] JoinEvent request(const std::string& member,
                                  const std::string& protocols = "range") {
    JoinEvent event;
    event.ticket = Ticket(++last_ticket_);
    event.member_id = member;
    event.new_member_id = fmt::format("new{}", last_ticket_);
    event.client_id = "client";
    event.client_host = "/127.0.0.1";
    event.rebalance_timeout_ms = kRebalanceMs;
    event.session_timeout_ms = kSessionMs;
    event.protocol_type = "consumer";
    for (std::size_t at = 0; at <= protocols.size();) {
      const auto end = std::min(protocols.find(' ', at), protocols.size());
      const std::string one = protocols.substr(at, end - at);
      const auto colon = one.find(':');
      event.protocols.push_back(
          {one.substr(0, colon),
           bytes_of(colon == std::string::npos ? "" : one.substr(colon + 1))});
      at = end + 1;
    }
    return event;
  }

  std::string join(JoinEvent event) {
    Effects out;
    group.join(std::move(event), now(), out);
    return settle(std::move(out));
  }
  // A member that is not known yet: its id is "new<ticket>".
  std::string join_new(const std::string& protocols = "range") {
    return join(request("", protocols));
  }
  std::string rejoin(const std::string& member, const std::string& protocols = "range") {
    return join(request(member, protocols));
  }
  std::string join_static(const std::string& instance, const std::string& member = "",
                          const std::string& protocols = "range", bool can_skip = false) {
    JoinEvent event = request(member, protocols);
    event.instance_id = instance;
    event.can_skip_assignment = can_skip;
    return join(std::move(event));
  }

  std::string sync(const std::string& member, std::int32_t generation,
                   const std::map<std::string, std::string>& assignments = {}) {
    SyncEvent event;
    event.member_id = member;
    event.generation = generation;
    for (const auto& [id, assignment] : assignments) {
      event.assignments.emplace(id, bytes_of(assignment));
    }
    return sync(std::move(event));
  }
  std::string sync(SyncEvent event) {
    event.ticket = Ticket(++last_ticket_);
    Effects out;
    group.sync(std::move(event), now(), out);
    return settle(std::move(out));
  }

  std::string heartbeat(const std::string& member, std::int32_t generation,
                        const std::string& instance = "") {
    return name(group.heartbeat(claim(member, generation, instance), now()));
  }
  std::string commit(const std::string& member, std::int32_t generation, bool transactional = false,
                     const std::string& instance = "") {
    return name(group.commit(claim(member, generation, instance), transactional, now()));
  }
  std::string leave(const std::string& member, const std::string& instance = "") {
    LeaveEvent event{member, {}};
    if (!instance.empty()) {
      event.instance_id = instance;
    }
    Effects out;
    const ErrorCode error = group.leave(event, now(), out);
    return append(name(error), settle(std::move(out)));
  }

  // Time goes on, deadline by deadline, as a driver would call.
  std::string wait(std::int64_t ms) {
    std::string text;
    const std::int64_t until = ms_ + ms;
    while (true) {
      const auto next = group.next_deadline();
      if (!next || *next > MonotonicTime{} + std::chrono::milliseconds(until)) {
        break;
      }
      const auto at =
          std::chrono::duration_cast<std::chrono::milliseconds>(next->time_since_epoch());
      ms_ = std::max(ms_, static_cast<std::int64_t>(at.count()));
      Effects out;
      group.on_time(now(), out);
      text = append(std::move(text), settle(std::move(out)));
    }
    ms_ = until;
    return text;
  }

  std::string stored(std::uint64_t id, ErrorCode error = ErrorCode::kNone) {
    Effects out;
    group.stored(StoreId(id), error, now(), out);
    return settle(std::move(out));
  }
  std::string loaded() {
    Effects out;
    group.loaded(now(), out);
    return settle(std::move(out));
  }
  std::string unloaded() {
    Effects out;
    group.unloaded(now(), out);
    return settle(std::move(out));
  }

  [[nodiscard]] std::string state() const { return std::string(state_name(group.state())); }

  GroupLimits limits;
  Group group;

 private:
  static std::string append(std::string text, const std::string& more) {
    return text.empty() || more.empty() ? text + more : text + "; " + more;
  }
  static std::string name(ErrorCode error) { return std::string(error_name(error)); }
  static MemberClaim claim(const std::string& member, std::int32_t generation,
                           const std::string& instance) {
    MemberClaim result{member, {}, generation};
    if (!instance.empty()) {
      result.instance_id = instance;
    }
    return result;
  }

  std::string settle(Effects effects) {
    std::string text;
    for (auto& effect : effects) {
      text = append(std::move(text), std::visit([](const auto& one) { return show(one); }, effect));
    }
    return text;
  }

  static std::string show(const JoinAnswer& answer) {
    std::string text = fmt::format("join {}", answer.ticket.value());
    if (answer.error != ErrorCode::kNone) {
      text += fmt::format(" {}", error_name(answer.error));
      return answer.member_id.empty() ? text : text + " as " + answer.member_id;
    }
    text += fmt::format(" as {} gen {} {} leader {}", answer.member_id, answer.generation,
                        answer.protocol_name.value_or("(none)"), answer.leader);
    if (answer.skip_assignment) {
      text += " skip";
    }
    for (const auto& member : answer.members) {
      text += fmt::format(" [{}{}{}]", member.id, member.metadata.empty() ? "" : "=",
                          as_text(member.metadata));
    }
    return text;
  }
  static std::string show(const SyncAnswer& answer) {
    if (answer.error != ErrorCode::kNone) {
      return fmt::format("sync {} {}", answer.ticket.value(), error_name(answer.error));
    }
    return fmt::format("sync {} gets '{}'", answer.ticket.value(), as_text(answer.assignment));
  }
  static std::string show(const StoreGroup& store) {
    std::string text = fmt::format("store {}", store.id.value());
    for (const auto& [id, assignment] : store.assignments) {
      text += fmt::format(" {}='{}'", id, as_text(assignment));
    }
    return text;
  }

  std::int64_t ms_ = 0;
  std::uint64_t last_ticket_ = 0;
};

}  // namespace barnabas::coordinator
