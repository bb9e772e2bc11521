import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;

import com.fasterxml.jackson.databind.JsonNode;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.protocol.Readable;

/** The class that Kafka generated for one message, found by its name. */
final class Codec {
    private static final String[] PACKAGES = {
        "org.apache.kafka.common.message.",
        "org.apache.kafka.coordinator.group.generated.",
        "org.apache.kafka.coordinator.transaction.generated.",
    };

    final JsonNode definition;
    final Describer describer;
    final short lowest;
    final short highest;
    private final Constructor<?> fromBytes;
    private final Method fromJson;

    Codec(JsonNode definition) throws ReflectiveOperationException {
        this.definition = definition;
        describer = new Describer(definition);
        Class<?> message = find(definition.get("name").asText());
        fromBytes = message.getConstructor(Readable.class, short.class);
        Message sample = (Message) message.getConstructor().newInstance();
        lowest = sample.lowestSupportedVersion();
        highest = sample.highestSupportedVersion();
        fromJson = Class.forName(message.getName() + "JsonConverter")
            .getMethod("read", JsonNode.class, short.class);
    }

    private static Class<?> find(String name) throws ClassNotFoundException {
        for (String where : PACKAGES) {
            for (String suffix : new String[] {"Data", ""}) {
                try {
                    return Class.forName(where + name + suffix);
                } catch (ClassNotFoundException e) {
                    // the next one
                }
            }
        }
        throw new ClassNotFoundException("no class of Kafka's for message " + name);
    }

    Object decode(byte[] bytes, short version) throws ReflectiveOperationException {
        ByteBufferAccessor readable = new ByteBufferAccessor(ByteBuffer.wrap(bytes));
        try {
            Object message = fromBytes.newInstance(readable, version);
            if (readable.remaining() != 0) {
                throw new IllegalStateException(readable.remaining() + " bytes left over");
            }
            return message;
        } catch (InvocationTargetException e) {
            throw cause(e);
        }
    }

    byte[] encode(Object message, short version) {
        ByteBuffer buffer = MessageUtil.toByteBuffer((Message) message, version);
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return bytes;
    }

    Object fromJson(JsonNode json, short version) throws ReflectiveOperationException {
        try {
            return fromJson.invoke(null, json, version);
        } catch (InvocationTargetException e) {
            throw cause(e);
        }
    }

    private static RuntimeException cause(InvocationTargetException e) {
        return e.getCause() instanceof RuntimeException ? (RuntimeException) e.getCause()
            : new IllegalStateException(e.getCause());
    }
}
