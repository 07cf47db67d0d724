// What refusals and admissions share with all who decide: the header lines of the answer.

#include <weft/base/admission.hpp>

namespace weft {

refusal& refusal::header(std::string_view name, std::string_view value) & {
    headers.emplace_back(name, value);
    return *this;
}

void detail::admission_base::add_header(std::string_view name, std::string_view value) {
    headers_.emplace_back(name, value);
}

}  // namespace weft
