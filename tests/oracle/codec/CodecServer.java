import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.types.Struct;
import org.apache.kafka.common.record.ControlRecordType;
import org.apache.kafka.common.record.EndTransactionMarker;

/**
 * Kafka's own codec as a server on stdin and stdout, for codec_test.cc. A command is one byte, its
 * arguments follow; all numbers are big-endian, a text or byte string has its length before it.
 *
 *   F                                  the message definitions in the jars, one fact a line
 *   A                                  the APIs of a broker with ZooKeeper, one a line
 *   R name version count bytes...      decodes with Kafka's class: digest of its fields, and
 *                                      encoded again
 *   D name version bytes               decodes with Kafka's class: its fields as text
 *   G name version seed count          random values: digest, encoded, and encoded in another
 *                                      version
 *   M count epoch...                   end-of-transaction markers: key and value
 *
 * What Kafka refuses to read or write is answered with a length of -1 and the reason.
 */
public final class CodecServer {
    private final DataInputStream in;
    private final DataOutputStream out;
    private final Map<String, JsonNode> definitions = new TreeMap<>();

    private CodecServer(InputStream in, PrintStream out) {
        this.in = new DataInputStream(new BufferedInputStream(in, 1 << 20));
        this.out = new DataOutputStream(new BufferedOutputStream(out, 1 << 20));
    }

    public static void main(String[] args) throws Exception {
        PrintStream answers = System.out;
        System.setOut(System.err);  // whatever a library prints must not mix with the answers
        CodecServer server = new CodecServer(System.in, answers);
        server.loadDefinitions();
        server.serve();
    }

    private void loadDefinitions() throws IOException {
        ObjectMapper mapper = new ObjectMapper();
        mapper.configure(JsonParser.Feature.ALLOW_COMMENTS, true);
        for (String path : System.getProperty("java.class.path").split(File.pathSeparator)) {
            String name = new File(path).getName();
            if (!name.startsWith("kafka-clients-") && !name.startsWith("kafka-group-coordinator-")
                    && !name.startsWith("kafka-transaction-coordinator-")) {
                continue;
            }
            try (JarFile jar = new JarFile(path)) {
                for (Enumeration<JarEntry> e = jar.entries(); e.hasMoreElements();) {
                    JarEntry entry = e.nextElement();
                    if (entry.getName().startsWith("common/message/") && entry.getName().endsWith(".json")) {
                        try (InputStream stream = jar.getInputStream(entry)) {
                            JsonNode node = mapper.readTree(stream);
                            definitions.put(node.get("name").asText(), node);
                        }
                    }
                }
            }
        }
    }

    private void serve() throws Exception {
        for (int command = in.read(); command >= 0; command = in.read()) {
            switch (command) {
                case 'F': text(Facts.of(definitions.values())); break;
                case 'A': text(apis()); break;
                case 'R': reencode(); break;
                case 'G': generate(); break;
                case 'D': describe(); break;
                case 'M': markers(); break;
                default: throw new IllegalStateException("unknown command " + command);
            }
            out.flush();
        }
    }

    private void text(String text) throws IOException {
        bytes(text.getBytes(StandardCharsets.UTF_8));
    }

    private void bytes(byte[] bytes) throws IOException {
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    private void refusal(Throwable reason) throws IOException {
        out.writeInt(-1);
        text(reason.toString());
    }

    private byte[] readBytes() throws IOException {
        byte[] bytes = new byte[in.readInt()];
        in.readFully(bytes);
        return bytes;
    }

    private static String apis() {
        StringBuilder lines = new StringBuilder();
        for (ApiKeys api : ApiKeys.apisForListener(ApiMessageType.ListenerType.ZK_BROKER)) {
            lines.append(api.id).append('|').append(api.name).append('|').append(api.oldestVersion())
                .append('|').append(api.latestVersion(false));
            for (short v = api.oldestVersion(); v <= api.latestVersion(false); v++) {
                lines.append('|').append(api.requestHeaderVersion(v)).append('/').append(api.responseHeaderVersion(v));
            }
            lines.append('\n');
        }
        return lines.toString();
    }

    private void reencode() throws Exception {
        Codec codec = codec(new String(readBytes(), StandardCharsets.UTF_8));
        short version = in.readShort();
        List<byte[]> values = new ArrayList<>();
        for (int left = in.readInt(); left > 0; left--) {
            values.add(readBytes());
        }
        for (byte[] value : values) {
            try {
                Object message = codec.decode(value, version);
                byte[] again = codec.encode(message, version);
                bytes(again);
                out.writeLong(codec.describer.digest(message, version));
            } catch (RuntimeException e) {
                refusal(e);
            }
        }
    }

    private void generate() throws Exception {
        Codec codec = codec(new String(readBytes(), StandardCharsets.UTF_8));
        short version = in.readShort();
        Random random = new Random(in.readLong());
        int count = in.readInt();
        RandomJson values = new RandomJson(codec.definition, random);
        for (int i = 0; i < count; i++) {
            Object message = codec.fromJson(values.message(version), version);
            bytes(codec.encode(message, version));
            out.writeLong(codec.describer.digest(message, version));
            short other = (short) (codec.lowest + random.nextInt(codec.highest - codec.lowest + 1));
            out.writeShort(other);
            try {
                bytes(codec.encode(message, other));
            } catch (RuntimeException e) {
                refusal(e);
            }
        }
    }

    private void describe() throws Exception {
        Codec codec = codec(new String(readBytes(), StandardCharsets.UTF_8));
        short version = in.readShort();
        text(codec.describer.describe(codec.decode(readBytes(), version), version));
    }

    private Codec codec(String name) throws ReflectiveOperationException {
        JsonNode definition = definitions.get(name);
        if (definition == null) {
            throw new IllegalStateException("Kafka has no message " + name);
        }
        return new Codec(definition);
    }

    private void markers() throws IOException {
        int[] epochs = new int[in.readInt()];
        for (int i = 0; i < epochs.length; i++) {
            epochs[i] = in.readInt();
        }
        for (int epoch : epochs) {
            for (ControlRecordType type : List.of(ControlRecordType.ABORT, ControlRecordType.COMMIT)) {
                Struct key = type.recordKey();
                ByteBuffer keyBytes = ByteBuffer.allocate(key.sizeOf());
                key.writeTo(keyBytes);
                bytes(keyBytes.array());
                ByteBuffer value = new EndTransactionMarker(type, epoch).serializeValue();
                byte[] valueBytes = new byte[value.remaining()];
                value.get(valueBytes);
                bytes(valueBytes);
            }
        }
    }
}
