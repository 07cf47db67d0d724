#pragma once

#include <memory>
#include <string>
#include <vector>

namespace weft::testing {

enum class key_kind { ecdsa_p256, rsa_2048, rsa_1024 };

struct certificate_spec {
    std::vector<std::string> names;
    std::vector<std::string> addresses{};
    key_kind key = key_kind::ecdsa_p256;
    int valid_from_days = -1;  ///< Relative to now.
    int valid_to_days = 30;
};

struct issued_certificate {
    std::string cert_pem;
    std::string key_pem;
};

/// A CA that exists in memory for the length of a test. Its failures end the test program.
class certificate_authority {
public:
    explicit certificate_authority(const std::string& name = "Weft test CA");
    ~certificate_authority();
    certificate_authority(const certificate_authority&) = delete;
    certificate_authority& operator=(const certificate_authority&) = delete;

    [[nodiscard]] const std::string& pem() const noexcept { return pem_; }
    [[nodiscard]] issued_certificate issue(const certificate_spec& spec) const;

private:
    struct identity;

    std::unique_ptr<identity> self_;
    std::string pem_;
};

/// The same key under a pass phrase, to see it refused.
std::string encrypt_key(const std::string& key_pem, const std::string& pass_phrase);

}  // namespace weft::testing
