#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/result.hpp>
#include <weft/net/tls.hpp>

#include "net/tls/openssl.hpp"

namespace weft::net {

/// A certificate read and checked: the key belongs to the leaf.
struct loaded_certificate {
    std::string source;  ///< For messages: "certificate file /etc/x.pem".
    x509_ptr leaf;
    std::vector<x509_ptr> chain;
    evp_pkey_ptr key;
    std::vector<std::string> names;  ///< Normalized; a wildcard `*.x` is kept as `.x`.
};

/// Reads the files or texts of one certificate. **Errors**: say which file and what is wrong with
/// it. Blocks on the file system.
result<loaded_certificate> load_certificate(const tls_certificate& source);

/// Reads the CA certificates of a PEM text; `source` names it in errors.
result<std::vector<x509_ptr>> parse_certificates(std::string_view pem, const std::string& source);

/// Reads a whole file of at most 1 MiB; `source` names it in errors.
result<std::string> read_pem_file(const std::string& path, const std::string& source);

/// Lower case, without the dot of the root; a wildcard `*.x` becomes `.x`. Nothing when it is no
/// host name.
std::optional<std::string> normalize_host_name(std::string_view name);

}  // namespace weft::net
