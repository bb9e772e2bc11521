// Batches as Kafka's own classes write and read them.
//   java -cp "$(tests/oracle/classpath.sh)" tests/golden/record/BatchOracle.java write <folder>
//       writes <name>.batch and <name>.txt for every codec and kind of batch
//   java -cp ... BatchOracle.java read <file>...
//       prints the same text of batches that somebody else wrote
// The text: a line for the batch, then a line for each record; bytes stand as size:crc32c.
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.ControlRecordType;
import org.apache.kafka.common.record.EndTransactionMarker;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.MemoryRecordsBuilder;
import org.apache.kafka.common.record.MutableRecordBatch;
import org.apache.kafka.common.record.Record;
import org.apache.kafka.common.record.RecordBatch;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.utils.ByteBufferOutputStream;
import org.apache.kafka.common.utils.Crc32C;

public class BatchOracle {
    static final long T0 = 1_700_000_000_000L;

    public static void main(String[] args) throws IOException {
        if (args[0].equals("write")) {
            writeAll(Path.of(args[1]));
        } else {
            for (int i = 1; i < args.length; i++)
                System.out.print(text(MemoryRecords.readableRecords(ByteBuffer.wrap(Files.readAllBytes(Path.of(args[i]))))));
        }
    }

    static void writeAll(Path folder) throws IOException {
        for (CompressionType type : CompressionType.values()) {
            write(folder, type.name + "-small", small(type));
            write(folder, type.name + "-large", large(type));
            write(folder, type.name + "-append-time", appendTime(type));
        }
        write(folder, "marker", marker());
        write(folder, "delete-horizon", deleteHorizon());
    }

    static void write(Path folder, String name, MemoryRecords records) throws IOException {
        ByteBuffer buffer = records.buffer();
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        Files.write(folder.resolve(name + ".batch"), bytes);
        Files.writeString(folder.resolve(name + ".txt"), text(MemoryRecords.readableRecords(ByteBuffer.wrap(bytes))));
    }

    static MemoryRecordsBuilder builder(CompressionType type, TimestampType timestampType, boolean transactional,
                                        boolean control, long deleteHorizonMs) {
        return new MemoryRecordsBuilder(new ByteBufferOutputStream(1 << 16), RecordBatch.MAGIC_VALUE_V2,
            Compression.of(type).build(), timestampType, 0L, T0 + 5, 4711L, (short) 3, Integer.MAX_VALUE - 1,
            transactional, control, 9, Integer.MAX_VALUE, deleteHorizonMs);
    }

    static void fill(MemoryRecordsBuilder builder) {
        Header[] headers = {
            new RecordHeader("first", "one".getBytes(StandardCharsets.UTF_8)),
            new RecordHeader("", null),
            new RecordHeader("\u00e4\u4e2d", new byte[0])};
        builder.append(T0 + 3, "key".getBytes(StandardCharsets.UTF_8), "value".getBytes(StandardCharsets.UTF_8), headers);
        builder.append(T0, (byte[]) null, new byte[0]);
        builder.append(T0 + 100_000, new byte[0], (byte[]) null);
        builder.append(T0 + 1, new byte[200], "last".getBytes(StandardCharsets.UTF_8));
    }

    static MemoryRecords small(CompressionType type) {
        MemoryRecordsBuilder builder = builder(type, TimestampType.CREATE_TIME, false, false, RecordBatch.NO_TIMESTAMP);
        fill(builder);
        return builder.build();
    }

    // Values that lie across the blocks and chunks of every codec, compressible but not trivially.
    static MemoryRecords large(CompressionType type) {
        MemoryRecordsBuilder builder = builder(type, TimestampType.CREATE_TIME, true, false, RecordBatch.NO_TIMESTAMP);
        Random random = new Random(5);
        for (int size : new int[] {1, 70_000, 10, 33_000, 0, 65_536, 5_000}) {
            byte[] value = new byte[size];
            for (int i = 0; i < size; i += 64)
                value[i] = (byte) random.nextInt(8);
            builder.append(T0 + size, Integer.toString(size).getBytes(StandardCharsets.UTF_8), value);
        }
        return builder.build();
    }

    static MemoryRecords appendTime(CompressionType type) {
        MemoryRecordsBuilder builder = builder(type, TimestampType.LOG_APPEND_TIME, false, false, RecordBatch.NO_TIMESTAMP);
        fill(builder);
        return builder.build();
    }

    static MemoryRecords marker() {
        return MemoryRecords.withEndTransactionMarker(77L, T0, 2, 4711L, (short) 3,
            new EndTransactionMarker(ControlRecordType.COMMIT, 6));
    }

    static MemoryRecords deleteHorizon() {
        MemoryRecordsBuilder builder = builder(CompressionType.NONE, TimestampType.CREATE_TIME, false, false, T0 + 50);
        fill(builder);
        return builder.build();
    }

    static String text(MemoryRecords records) {
        StringBuilder out = new StringBuilder();
        for (MutableRecordBatch batch : records.batches()) {
            batch.ensureValid();
            out.append(String.format("batch %d-%d epoch %d codec %s type %d max %d producer %d %d %d txn %b control %b horizon %d%n",
                batch.baseOffset(), batch.lastOffset(), batch.partitionLeaderEpoch(), batch.compressionType().name,
                batch.timestampType().id, batch.maxTimestamp(), batch.producerId(), batch.producerEpoch(),
                batch.baseSequence(), batch.isTransactional(), batch.isControlBatch(),
                batch.deleteHorizonMs().orElse(-1)));
            for (Record record : batch) {
                out.append(String.format("%d %d %d %s %s", record.offset(), record.timestamp(), record.sequence(),
                    text(record.key()), text(record.value())));
                for (Header header : record.headers())
                    out.append(String.format(" %s=%s", text(ByteBuffer.wrap(header.key().getBytes(StandardCharsets.UTF_8))),
                        text(header.value() == null ? null : ByteBuffer.wrap(header.value()))));
                out.append(String.format("%n"));
            }
        }
        return out.toString();
    }

    static String text(ByteBuffer bytes) {
        if (bytes == null)
            return "null";
        return String.format("%d:%08x", bytes.remaining(), Crc32C.compute(bytes, 0, bytes.remaining()));
    }
}
