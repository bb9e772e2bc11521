import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.record.MemoryRecords;

/**
 * Says by name what each field of a decoded message holds, in the form of describer.h: two fields
 * that were taken for each other change it, though the bytes stay the same.
 */
final class Describer {
    private static final char[] HEX = "0123456789abcdef".toCharArray();

    private final JsonNode definition;
    private final Map<String, JsonNode> commonStructs = new HashMap<>();
    private final Map<Class<?>, Map<String, Method>> getters = new HashMap<>();
    private final StringBuilder text = new StringBuilder();

    Describer(JsonNode definition) {
        this.definition = definition;
        for (JsonNode struct : definition.path("commonStructs")) {
            commonStructs.put(struct.get("name").asText(), struct.get("fields"));
        }
    }

    String describe(Object message, short version) throws ReflectiveOperationException {
        text.setLength(0);
        struct(message, definition.get("fields"), version);
        return text.toString();
    }

    /** FNV-1a of the text: what is compared as long as all is well. */
    long digest(Object message, short version) throws ReflectiveOperationException {
        describe(message, version);
        long hash = 0xcbf29ce484222325L;
        for (int i = 0; i < text.length(); i++) {
            hash = (hash ^ text.charAt(i)) * 0x100000001b3L;
        }
        return hash;
    }

    private void struct(Object object, JsonNode fields, short version) throws ReflectiveOperationException {
        text.append('{');
        for (JsonNode field : fields) {
            if (RandomJson.contains(field.get("versions").asText(), version)) {
                String name = field.get("name").asText();
                text.append(name).append(':');
                value(getter(object.getClass(), name).invoke(object), field, version);
                text.append(';');
            }
        }
        text.append('}');
    }

    private Method getter(Class<?> type, String name) throws NoSuchMethodException {
        Map<String, Method> known = getters.computeIfAbsent(type, t -> new HashMap<>());
        Method method = known.get(name);
        if (method == null) {
            method = type.getMethod(Character.toLowerCase(name.charAt(0)) + name.substring(1));
            known.put(name, method);
        }
        return method;
    }

    private void value(Object value, JsonNode field, short version) throws ReflectiveOperationException {
        if (value == null) {
            text.append("null");
        } else if (field.get("type").asText().startsWith("[]")) {
            text.append('[');
            for (Object item : (Iterable<?>) value) {
                single(item, field, version);
                text.append(',');
            }
            text.append(']');
        } else {
            single(value, field, version);
        }
    }

    private void single(Object value, JsonNode field, short version) throws ReflectiveOperationException {
        if (value instanceof Boolean || value instanceof Byte || value instanceof Short
                || value instanceof Integer || value instanceof Long) {
            text.append(value);
        } else if (value instanceof Double) {
            text.append(Double.doubleToRawLongBits((Double) value));
        } else if (value instanceof Uuid) {
            Uuid id = (Uuid) value;
            text.append(id.getMostSignificantBits()).append('/').append(id.getLeastSignificantBits());
        } else if (value instanceof String) {
            hex(ByteBuffer.wrap(((String) value).getBytes(StandardCharsets.UTF_8)));
        } else if (value instanceof byte[]) {
            hex(ByteBuffer.wrap((byte[]) value));
        } else if (value instanceof ByteBuffer) {
            hex(((ByteBuffer) value).duplicate());
        } else if (value instanceof MemoryRecords) {
            hex(((MemoryRecords) value).buffer());
        } else {
            String type = field.get("type").asText().replace("[]", "");
            struct(value, field.has("fields") ? field.get("fields") : commonStructs.get(type), version);
        }
    }

    private void hex(ByteBuffer bytes) {
        text.append('x');
        while (bytes.hasRemaining()) {
            byte b = bytes.get();
            text.append(HEX[(b >> 4) & 0xf]).append(HEX[b & 0xf]);
        }
    }
}
