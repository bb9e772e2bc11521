import java.util.Collection;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * Kafka's message definitions as lines of facts, columns parted by '|':
 *   message|NAME|TYPE|API KEY|VERSIONS|FLEXIBLE
 *   struct|MESSAGE|NAME|VERSIONS
 *   field|MESSAGE|STRUCT|NAME|TYPE|VERSIONS|NULLABLE|TAGGED|TAG|DEFAULT|IGNORABLE|FLEXIBLE
 * STRUCT is empty for a message's own fields; DEFAULT is empty where none is given.
 */
final class Facts {
    private final StringBuilder lines = new StringBuilder();

    private Facts() { }

    static String of(Collection<JsonNode> definitions) {
        Facts facts = new Facts();
        for (JsonNode definition : definitions) {
            facts.message(definition);
        }
        return facts.lines.toString();
    }

    private void message(JsonNode definition) {
        String name = definition.get("name").asText();
        line("message", name, definition.get("type").asText(), definition.path("apiKey").asText("-1"),
            definition.get("validVersions").asText(), definition.path("flexibleVersions").asText("none"));
        fields(name, "", definition.get("fields"));
        for (JsonNode struct : definition.path("commonStructs")) {
            struct(name, struct.get("name").asText(), struct.get("versions").asText(), struct.get("fields"));
        }
    }

    private void struct(String message, String name, String versions, JsonNode fields) {
        line("struct", message, name, versions);
        fields(message, name, fields);
    }

    private void fields(String message, String struct, JsonNode fields) {
        for (JsonNode field : fields) {
            JsonNode value = field.get("default");
            // Kafka's generator takes the text "null" for null; a bare null is no default given.
            String shown = value == null || value.isNull() ? "" : value.asText();
            line("field", message, struct, field.get("name").asText(), field.get("type").asText(),
                field.get("versions").asText(), field.path("nullableVersions").asText("none"),
                field.path("taggedVersions").asText("none"), field.path("tag").asText("-1"), shown,
                field.path("ignorable").asText("false"), field.path("flexibleVersions").asText(""));
            if (field.has("fields") && field.get("fields").size() > 0) {
                String type = field.get("type").asText();
                struct(message, type.startsWith("[]") ? type.substring(2) : type,
                    field.get("versions").asText(), field.get("fields"));
            }
        }
    }

    private void line(String... columns) {
        lines.append(String.join("|", columns)).append('\n');
    }
}
