// What the tests of the meter's core share.
#pragma once

#include <array>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

inline int failures = 0;

template<typename A, typename B> void check_equal(const A &got, const B &wanted, const char *what, const char *file, int line) {
  if (got == wanted)
    return;
  std::cerr << file << ":" << line << ": " << what << " is " << got << ", not " << wanted << "\n";
  failures++;
}
#define EQUAL(got, wanted) check_equal(got, wanted, #got, __FILE__, __LINE__)

inline constexpr uint64_t NOON = 1'795'176'000'000;  // a full hour, in milliseconds

template<size_t N> std::array<uint8_t, N> from_hex(const std::string &text) {
  std::array<uint8_t, N> bytes{};
  for (size_t i = 0; i < N; i++)
    bytes[i] = std::stoi(text.substr(2 * i, 2), nullptr, 16);
  return bytes;
}

/// The rows of a file of vectors, without the first, which must be `header`.
inline std::vector<std::vector<std::string>> vector_rows(const std::string &path, const std::string &header) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  EQUAL(line, header);
  std::vector<std::vector<std::string>> rows;
  while (std::getline(file, line)) {
    std::istringstream row(line);
    rows.emplace_back();
    for (std::string text; std::getline(row, text, ',');)
      rows.back().push_back(text);
  }
  return rows;
}

void test_memory();
void test_relay(const std::string &vectors);
