// What Kafka 3.9.1 makes of the record sets that record_cases wrote: a line for each.
//   java -cp "$(tests/oracle/classpath.sh)" ValidateOracle.java <cases file>
// The steps are those of a produce request: ProduceRequest.validateRecords, then the checks of
// UnifiedLog.analyzeAndValidateRecords for one batch from a client, then LogValidator itself.
import java.io.DataInputStream;
import java.io.EOFException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.errors.CorruptRecordException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.DefaultRecordBatch;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.MutableRecordBatch;
import org.apache.kafka.common.record.Record;
import org.apache.kafka.common.record.RecordBatch;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.requests.ProduceRequest;
import org.apache.kafka.common.requests.ProduceResponse;
import org.apache.kafka.common.utils.BufferSupplier;
import org.apache.kafka.common.utils.Crc32C;
import org.apache.kafka.common.utils.PrimitiveRef;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.common.MetadataVersion;
import org.apache.kafka.storage.internals.log.AppendOrigin;
import org.apache.kafka.storage.internals.log.LogValidator;
import org.apache.kafka.storage.internals.log.RecordValidationException;

public class ValidateOracle {
    static final TopicPartition PARTITION = new TopicPartition("t", 0);
    static final BufferSupplier BUFFERS = BufferSupplier.create();
    static final LogValidator.MetricsRecorder METRICS = new LogValidator.MetricsRecorder() {
        public void recordInvalidMagic() { }
        public void recordInvalidOffset() { }
        public void recordInvalidSequence() { }
        public void recordInvalidChecksums() { }
        public void recordNoKeyCompactedTopic() { }
    };

    static class FixedTime implements Time {
        final long now;
        FixedTime(long now) { this.now = now; }
        public long milliseconds() { return now; }
        public long nanoseconds() { return 0; }
        public long hiResClockMs() { return now; }
        public void sleep(long ms) { throw new UnsupportedOperationException(); }
        public void waitObject(Object obj, java.util.function.Supplier<Boolean> condition, long deadlineMs) {
            throw new UnsupportedOperationException();
        }
        public org.apache.kafka.common.utils.Timer timer(long timeoutMs) { throw new UnsupportedOperationException(); }
    }

    public static void main(String[] args) throws Exception {
        StringBuilder out = new StringBuilder();
        try (DataInputStream in = new DataInputStream(new java.io.BufferedInputStream(Files.newInputStream(Path.of(args[0]))))) {
            for (int index = 0; ; ++index) {
                short version;
                try {
                    version = in.readShort();
                } catch (EOFException end) {
                    break;
                }
                boolean appendTime = in.readBoolean(), compact = in.readBoolean();
                long now = in.readLong(), before = in.readLong(), after = in.readLong();
                int maxBytes = in.readInt();
                byte[] bytes = new byte[in.readInt()];
                in.readFully(bytes);
                out.append(index).append(' ')
                    .append(outcome(bytes, version, appendTime, compact, now, before, after, maxBytes)).append('\n');
            }
        }
        System.out.print(out);
    }

    static String outcome(byte[] bytes, short version, boolean appendTime, boolean compact, long now, long before,
                          long after, int maxBytes) {
        try {
            MemoryRecords records = MemoryRecords.readableRecords(ByteBuffer.wrap(bytes));
            ProduceRequest.validateRecords(version, records);
            MutableRecordBatch batch = records.batches().iterator().next();
            if (batch.baseOffset() != 0)
                throw new InvalidRecordException("base offset");
            batch.lastOffset();
            if (batch.sizeInBytes() > maxBytes)
                throw new RecordTooLargeException("size");
            if (!batch.isValid())
                throw new CorruptRecordException("crc");
            CompressionType type = CompressionType.forId(batch.compressionType().id);
            MemoryRecords one = MemoryRecords.readableRecords(ByteBuffer.wrap(bytes, 0, batch.sizeInBytes()).slice());
            String oddity = oddity(one);
            LogValidator.ValidationResult result = new LogValidator(one, PARTITION, new FixedTime(now), type,
                Compression.of(type).build(), compact, RecordBatch.MAGIC_VALUE_V2,
                appendTime ? TimestampType.LOG_APPEND_TIME : TimestampType.CREATE_TIME, before, after, 0,
                AppendOrigin.CLIENT, MetadataVersion.IBP_3_9_IV0)
                .validateMessagesAndAssignOffsets(PrimitiveRef.ofLong(0), METRICS, BUFFERS);
            ByteBuffer stored = result.validatedRecords.buffer();
            return String.format("0 %d %d %08x%s", stored.remaining(), result.maxTimestampMs,
                Crc32C.compute(stored, 0, stored.remaining()), oddity);
        } catch (RecordValidationException e) {
            StringBuilder text = new StringBuilder(Errors.forException(e.invalidException()).code() + " "
                + e.invalidException().getMessage());
            for (ProduceResponse.RecordError error : e.recordErrors())
                text.append(" | ").append(error.batchIndex).append(": ").append(error.message);
            return text.toString();
        } catch (Throwable e) {
            Throwable root = e;
            while (root.getCause() != null)
                root = root.getCause();
            String codec = root instanceof com.github.luben.zstd.ZstdIOException ? " zstd" : "";
            return Errors.forException(e).code() + codec;
        }
    }

    // What LogValidator lets pass though it does not hold: the test says why we do not.
    static String oddity(MemoryRecords records) {
        try {
            long expected = 0;
            for (MutableRecordBatch batch : records.batches()) {
                for (Iterator<Record> i = batch.streamingIterator(BUFFERS); i.hasNext(); ) {
                    if (i.next().offset() != expected++)
                        return " offsets-do-not-follow";
                }
                if (batch.compressionType() == CompressionType.GZIP
                        && (records.buffer().get(DefaultRecordBatch.RECORD_BATCH_OVERHEAD + 3) & 0xe0) != 0)
                    return " gzip-reserved-flags";
                if (batch.compressionType() == CompressionType.LZ4
                        && records.buffer().get(records.sizeInBytes() - 1) == (byte) 0x80)
                    return " lz4-end-mark";
                if (batch.hasProducerId() && batch.producerEpoch() < 0)
                    return " negative-epoch";
            }
            return "";
        } catch (RuntimeException | OutOfMemoryError e) {
            return " unreadable";
        }
    }
}
