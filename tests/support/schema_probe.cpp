// Says what Weft's schemas make of documents, for comparison with ajv. The first line of standard
// input is a schema, each other line a document. Prints a line for each document: "1" if it is
// fine, else the violation.

#include <iostream>
#include <string>

#include <weft/schema/schema.hpp>

int main() {
    std::ios::sync_with_stdio(false);
    std::string line;
    std::getline(std::cin, line);
    const auto schema = weft::schema::make(line);
    if (!schema) {
        std::cout << "refused: " << schema.error().message() << '\n';
        return 1;
    }
    std::string out;
    while (std::getline(std::cin, line)) {
        const auto wrong = schema->check(line);
        out += wrong ? wrong->what() : "1";
        out += '\n';
    }
    std::cout << out;
}
