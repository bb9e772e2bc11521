// Command line words as main() gets them, for tests of what parses them.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace barnabas::apps {

class Words {
 public:
  Words(std::initializer_list<std::string> words) : words_(words) {
    for (std::string& word : words_) {
      pointers_.push_back(word.data());
    }
  }
  [[nodiscard]] std::span<char*> get() { return pointers_; }

 private:
  std::vector<std::string> words_;
  std::vector<char*> pointers_;
};

}  // namespace barnabas::apps
