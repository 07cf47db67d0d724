// Names for the places where keys come from. Nothing is read or checked here: `verifier::make` does
// that, and can say which issuer it is about.

#include <weft/auth/key_source.hpp>

namespace weft::auth {

key_source key_source::secret(std::string bytes) {
    return {kind::secret, std::move(bytes)};
}

key_source key_source::secret(std::string bytes, std::string previous,
                              std::chrono::system_clock::time_point previous_until) {
    key_source made(kind::secret, std::move(bytes));
    made.previous_ = std::move(previous);
    made.previous_until_ = previous_until;
    return made;
}

key_source key_source::pem(std::string text) {
    return {kind::pem, std::move(text)};
}

key_source key_source::jwks(std::string text) {
    return {kind::jwks, std::move(text)};
}

key_source key_source::jwks_file(std::string path) {
    return {kind::jwks_file, std::move(path)};
}

key_source key_source::jwks_url(std::string url, tls_client_options tls) {
    key_source made(kind::jwks_url, std::move(url));
    made.tls_ = std::move(tls);
    return made;
}

}  // namespace weft::auth
