// What Kafka 3.9.1 makes of the batches that down_cases wrote, for consumers of old: a line for each.
//   java -cp "$(tests/oracle/classpath.sh)" DownConvertOracle.java <cases file>
// Messages that are not compressed are compared as bytes, wrappers by their header and what is in them.
import java.io.DataInputStream;
import java.io.EOFException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.kafka.common.errors.UnsupportedCompressionTypeException;
import org.apache.kafka.common.record.AbstractLegacyRecordBatch;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.MutableRecordBatch;
import org.apache.kafka.common.record.Record;
import org.apache.kafka.common.utils.Crc32C;
import org.apache.kafka.common.utils.Time;

public class DownConvertOracle {
    public static void main(String[] args) throws Exception {
        StringBuilder out = new StringBuilder();
        try (DataInputStream in = new DataInputStream(new java.io.BufferedInputStream(Files.newInputStream(Path.of(args[0]))))) {
            for (int index = 0; ; ++index) {
                byte magic;
                try {
                    magic = in.readByte();
                } catch (EOFException end) {
                    break;
                }
                long from = in.readLong();
                byte[] bytes = new byte[in.readInt()];
                in.readFully(bytes);
                out.append(index).append(' ').append(outcome(bytes, magic, from)).append('\n');
            }
        }
        System.out.print(out);
    }

    static String outcome(byte[] bytes, byte magic, long from) {
        try {
            MemoryRecords records = MemoryRecords.readableRecords(ByteBuffer.wrap(bytes));
            MemoryRecords converted = (MemoryRecords) records.downConvert(magic, from, Time.SYSTEM).records();
            StringBuilder text = new StringBuilder();
            for (MutableRecordBatch batch : converted.batches()) {
                text.append(batch.isCompressed() ? wrapper(batch) : message(batch)).append('\n');
            }
            byte[] all = text.toString().getBytes(StandardCharsets.ISO_8859_1);
            return String.format("0 %08x", Crc32C.compute(all, 0, all.length));
        } catch (UnsupportedCompressionTypeException e) {
            return "76";
        } catch (RuntimeException e) {
            return "broken " + e.getClass().getSimpleName();
        }
    }

    static String message(MutableRecordBatch batch) {
        ByteBuffer buffer = ByteBuffer.allocate(batch.sizeInBytes());
        batch.writeTo(buffer);
        buffer.flip();
        return hex(buffer);
    }

    static String wrapper(MutableRecordBatch batch) {
        batch.ensureValid();
        StringBuilder text = new StringBuilder(String.format("%d %d %d %d %d", batch.lastOffset(), batch.magic(),
            batch.compressionType().id, batch.timestampType().id, batch.maxTimestamp()));
        for (Record record : batch) {
            ByteBuffer inner = ((AbstractLegacyRecordBatch) record).outerRecord().buffer();
            text.append(String.format(" %d ", record.offset())).append(hex(inner.duplicate()));
        }
        return text.toString();
    }

    static String hex(ByteBuffer bytes) {
        StringBuilder out = new StringBuilder("x");
        for (int i = bytes.position(); i < bytes.limit(); ++i)
            out.append(String.format("%02x", bytes.get(i)));
        return out.toString();
    }
}
