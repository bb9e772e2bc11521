import java.util.HashMap;
import java.util.Map;
import java.util.Random;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BinaryNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import org.apache.kafka.common.Uuid;

/** Random values of a message, made from Kafka's definition in the form its converters read. */
final class RandomJson {
    private static final String[] PIECES = {"a", "topic-", "\u00e9", "\u20ac", "\ud83d\udc19", "0"};

    private final JsonNode definition;
    private final Random random;
    private final Map<String, JsonNode> commonStructs = new HashMap<>();

    RandomJson(JsonNode definition, Random random) {
        this.definition = definition;
        this.random = random;
        for (JsonNode struct : definition.path("commonStructs")) {
            commonStructs.put(struct.get("name").asText(), struct.get("fields"));
        }
    }

    JsonNode message(short version) {
        return struct(definition.get("fields"), version);
    }

    private ObjectNode struct(JsonNode fields, short version) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        for (JsonNode field : fields) {
            if (!contains(field.path("versions").asText(), version)) {
                continue;
            }
            boolean tagged = contains(field.path("taggedVersions").asText("none"), version);
            if (tagged && random.nextInt(3) == 0) {
                continue;  // its default
            }
            String name = field.get("name").asText();
            node.set(Character.toLowerCase(name.charAt(0)) + name.substring(1), value(field, version));
        }
        return node;
    }

    private JsonNode value(JsonNode field, short version) {
        if (contains(field.path("nullableVersions").asText("none"), version) && random.nextInt(4) == 0) {
            return NullNode.instance;
        }
        String type = field.get("type").asText();
        if (!type.startsWith("[]")) {
            return single(type, field, version);
        }
        ArrayNode array = JsonNodeFactory.instance.arrayNode();
        for (int left = random.nextInt(64) == 0 ? 130 : random.nextInt(4); left > 0; left--) {
            array.add(single(type.substring(2), field, version));
        }
        return array;
    }

    private JsonNode single(String type, JsonNode field, short version) {
        switch (type) {
            case "bool": return BooleanNode.valueOf(random.nextBoolean());
            case "int8": return IntNode.valueOf((int) integer(Byte.MIN_VALUE, Byte.MAX_VALUE));
            case "int16": return IntNode.valueOf((int) integer(Short.MIN_VALUE, Short.MAX_VALUE));
            case "uint16": return IntNode.valueOf((int) integer(0, 0xffff));
            case "int32": return IntNode.valueOf((int) integer(Integer.MIN_VALUE, Integer.MAX_VALUE));
            case "int64": return LongNode.valueOf(integer(Long.MIN_VALUE, Long.MAX_VALUE));
            case "float64": return DoubleNode.valueOf(random.nextInt(3) == 0 ? 0.0 : random.nextGaussian() * 1e6);
            case "uuid": return TextNode.valueOf(new Uuid(random.nextLong(), random.nextLong()).toString());
            case "string": return TextNode.valueOf(string());
            case "bytes":
            case "records": return BinaryNode.valueOf(bytes());
            default: return struct(field.has("fields") ? field.get("fields") : commonStructs.get(type), version);
        }
    }

    private long integer(long least, long greatest) {
        switch (random.nextInt(6)) {
            case 0: return least;
            case 1: return greatest;
            case 2: return random.nextInt(100);
            default:
                long value = random.nextLong();
                long width = greatest - least + 1;  // 0 for 64 bits
                return width == 0 ? value : least + Math.floorMod(value, width);
        }
    }

    private String string() {
        StringBuilder text = new StringBuilder();
        for (int left = random.nextInt(40) == 0 ? 200 : random.nextInt(8); left > 0; left--) {
            text.append(PIECES[random.nextInt(PIECES.length)]);
        }
        return text.toString();
    }

    private byte[] bytes() {
        byte[] bytes = new byte[random.nextInt(40) == 0 ? 300 : random.nextInt(12)];
        random.nextBytes(bytes);
        return bytes;
    }

    static boolean contains(String versions, short version) {
        if (versions.equals("none") || versions.isEmpty()) {
            return false;
        }
        if (versions.endsWith("+")) {
            return version >= Short.parseShort(versions.substring(0, versions.length() - 1));
        }
        String[] ends = versions.split("-");
        return version >= Short.parseShort(ends[0]) && version <= Short.parseShort(ends[ends.length - 1]);
    }
}
