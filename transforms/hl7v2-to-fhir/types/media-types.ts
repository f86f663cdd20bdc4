/** How ED-2 and ED-3, RP-3 and RP-4 say a media type; said otherwise they are kept besides. */
export const KINDS: Readonly<Record<string, readonly [type: string, subtype: string]>> = {
  'application/pdf': ['AP', 'PDF'],
  'text/html': ['TEXT', 'HTML'],
  'text/xml': ['TEXT', 'XML'],
  'application/rtf': ['AP', 'RTF'],
  'text/plain': ['TEXT', 'PLAIN'],
  'image/jpeg': ['IM', 'JPEG'],
  'image/png': ['IM', 'PNG'],
  'image/tiff': ['IM', 'TIFF'],
  'image/gif': ['IM', 'GIF'],
  'application/dicom': ['IM', 'DICOM'],
  'audio/basic': ['AU', 'BASIC'],
};
